"""The clips of videos that a network is trained on.

Frames stay on disk, at the network's own size, until a batch needs them: a large set needs disk
space, not memory. This module knows nothing about networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array, UInt8Array
from rtaction.choices import Sampling
from rtaction.labelled.videos import Video
from rtaction.modality import compares_pixels, fields_of, shows_closeup, shows_motion
from rtaction.model_spec import ModelSpec
from rtaction.sampling import select_frames
from rtaction.source_frames import source_frames, stack_of
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_change import ClipChange
from rtaction.train.data.decoded_video import VideoFrames
from rtaction.train.data.kept_closeups import KeptCloseups
from rtaction.train.data.kept_flow import KeptFlow
from rtaction.video.motion import clip_pictures, picture_of
from rtaction.whole_video import segment_targets

_TIMINGS = 8  # speeds and jitters of a window that shows flow


@dataclass(frozen=True, eq=False)
class ClipSet:
    """Clips of several videos.

    Args:
        frames: uint8, shape (num_frames, height, width, 3 or 1); every frame once, read on demand.
        clip_frames: intp, shape (num_clips, frames_per_window), indices into `frames`.
        clip_times_seconds: float64, shape (num_clips, frames_per_window), times in the clip's
            video.
        clip_labels: intp, shape (num_clips,), indices into `labels`.
        clip_videos: intp, shape (num_clips,), indices into `videos`.
        labels: all labels, in the order of a network's scores.
        videos: those with at least one clip.
        modality: what the network's frames show, see `rtaction.modality`. Default "rgb".
        num_skipped: number of videos without clips. Default 0.
        sampling: how the clips were taken, see `rtaction.whole_video`. Default "sliding".
        truths: bool, shape (num_clips, num_labels), all labels of each clip, for networks of
            several labels at once; `clip_labels` then holds the first, or -1. Default None: each
            clip has one label.
        video_times_seconds: for each video, float64 times of its frames in `frames`. Default (),
            unknown: each clip then has only its own frames.
        flow: the optical flow between frames. Default: computed each time.
        closeups: that around what moves. Default: each is made once in a run.
    """

    frames: UInt8Array | VideoFrames
    clip_frames: npt.NDArray[np.intp]
    clip_times_seconds: npt.NDArray[np.float64]
    clip_labels: npt.NDArray[np.intp]
    clip_videos: npt.NDArray[np.intp]
    labels: tuple[str, ...]
    videos: tuple[Video, ...]
    modality: str = "rgb"
    num_skipped: int = 0
    sampling: Sampling = "sliding"
    video_times_seconds: tuple[Float64Array, ...] = ()
    truths: npt.NDArray[np.bool_] | None = None
    flow: KeptFlow = field(default_factory=KeptFlow)
    closeups: KeptCloseups = field(default_factory=KeptCloseups)

    def __len__(self) -> int:
        return len(self.clip_labels)

    def images(self, clips: npt.NDArray[np.intp] | Sequence[int]) -> UInt8Array:
        """Frames of some clips: uint8, shape (len(clips), frames_per_window, H, W, 3 or 1)."""
        return np.asarray(self.frames[self.clip_frames[np.asarray(clips, dtype=np.intp)]])

    def pictures(self, clips: npt.NDArray[np.intp] | Sequence[int]) -> UInt8Array:
        """What a network sees: uint8, shape (len(clips), frames_per_clip, H, W, channels)."""
        return np.stack([self._seen(self.clip_frames[clip]) for clip in clips])

    def _seen(
        self, positions: npt.NDArray[np.intp], change: ClipChange | None = None
    ) -> UInt8Array:
        """What a network sees of the frames at some positions, changed."""
        if not (fields_of(self.modality) or shows_closeup(self.modality)):
            images = np.asarray(self.frames[positions])
            return clip_pictures(change.images(images) if change else images, self.modality)
        of = source_frames(self.modality, len(self.own_frames))  # (frames_per_clip, 2 or more)
        before, after = positions[of[:, :-1]], positions[of[:, 1:]]
        fields = None
        if fields_of(self.modality):
            fields = self.flow.between(self.frames, before, after)
        closeups = self.closeups_between(before[:, 0], after[:, -1])
        # What shows only in the flow need be neither read nor changed.
        needed = of if compares_pixels(self.modality) else of[:, -1:]
        used, places = np.unique(needed, return_inverse=True)
        images = np.asarray(self.frames[positions[used]])
        if change:
            images = change.images(images)
            fields = fields if fields is None else change.fields(fields)
            closeups = closeups if closeups is None else change.closeups(closeups)
        return np.stack(
            [
                picture_of(
                    images[some],
                    self.modality,
                    fields if fields is None else fields[number],
                    closeups if closeups is None else closeups[number],
                )
                for number, some in enumerate(places.reshape(needed.shape))
            ]
        )

    def closeups_between(
        self, before: npt.NDArray[np.intp], after: npt.NDArray[np.intp]
    ) -> UInt8Array | None:
        """The close-ups between frames at some positions; None if the modality shows none.

        Args:
            before: intp, of any shape.
            after: intp, of the same shape, of frames of the same videos, not earlier.

        Returns:
            uint8, shape (*before.shape, CLOSEUP_SIZE, CLOSEUP_SIZE, 2).
        """
        if not shows_closeup(self.modality):
            return None
        return self.closeups.between(self.frames, before, after)

    def images_at(self, clip: int, moments_seconds: Float64Array) -> UInt8Array:
        """Frames of one clip, taken at other moments of its video.

        If these are outside the video or would misrepresent time (see `rtaction.sampling.Problem`),
        they are the clip's own. If the cache had no room for a video, only frames that some clip
        uses are available.

        Args:
            clip: index of the clip.
            moments_seconds: float64, shape (frames_per_window,).

        Returns:
            uint8, shape (frames_per_window, H, W, 3 or 1).
        """
        return np.asarray(self.frames[self._positions_at(clip, moments_seconds)])

    def _positions_at(self, clip: int, moments_seconds: Float64Array) -> npt.NDArray[np.intp]:
        """Positions in `frames` of what `images_at` takes."""
        if self.video_times_seconds:
            video = self.clip_videos[clip]
            found = select_frames(self.video_times_seconds[video], moments_seconds)
            if found.problem is None:
                return np.asarray(self.video_starts[video] + found.indices)
        return np.asarray(self.clip_frames[clip])

    def changed(
        self, clip: int, augmentation: Augmentation, random: np.random.Generator
    ) -> UInt8Array:
        """What a network sees of one clip, augmented.

        Args:
            clip: index of the clip.
            augmentation: the possible changes.
            random: draws the amounts.

        Returns:
            uint8, shape (frames_per_clip, H, W, channels).
        """
        # Differences are those of the changed frames. Flow is changed as `ClipChange.fields` says.
        positions, change = self._drawn_change(clip, augmentation, random)
        return self._seen(positions, change)

    def changed_drawn(
        self, clip: int, augmentation: Augmentation, random: np.random.Generator
    ) -> UInt8Array:
        """What a network sees of one clip, augmented, for a person: uint8, shape (F, H, W, C)."""
        return self.changed(clip, augmentation, random)

    def changed_images(
        self, clip: int, augmentation: Augmentation, random: np.random.Generator
    ) -> UInt8Array:
        """Frames of one clip, augmented, before motion is computed; see `changed`.

        Returns:
            uint8, shape (frames_per_window, height, width, 3 or 1).
        """
        positions, change = self._drawn_change(clip, augmentation, random)
        return change.images(np.asarray(self.frames[positions]))

    def _drawn_change(
        self, clip: int, augmentation: Augmentation, random: np.random.Generator
    ) -> tuple[npt.NDArray[np.intp], ClipChange]:
        """The positions in `frames` of one clip, augmented, and how they change."""
        positions = self._positions_at(clip, self.changed_moments(clip, augmentation, random))
        label = self._side_label(clip, augmentation)
        stack = stack_of(self.modality)
        together = None if stack is None else stack.num_frames
        size_hw = self.frames.shape[1:3]
        change = augmentation.drawn(label, random, len(positions), size_hw, together=together)
        return positions[change.order], change

    def changed_moments(
        self, clip: int, augmentation: Augmentation, random: np.random.Generator
    ) -> Float64Array:
        """Moments of one clip, augmented; see `changed`.

        A window that shows flow has eight timings, always the same, so that their flow is kept.

        Returns:
            float64, shape (frames_per_window,).
        """
        stack, times = stack_of(self.modality), self.clip_times_seconds[clip]
        if self.sampling == "segments" and self.video_times_seconds:
            video_times = self.video_times_seconds[self.clip_videos[clip]]
            return segment_targets(video_times, len(times), stack=stack, random=random)
        if fields_of(self.modality) or shows_closeup(
            self.modality
        ):  # between new frames, flow would be computed in each epoch
            timing = [int(random.integers(_TIMINGS)), round(1000 * max(times[0], 0))]
            random = np.random.default_rng(timing)
        keep_ends = self.sampling != "sliding"
        if stack is None:
            return augmentation.moments(times, random, keep_ends=keep_ends)
        lasts = times[stack.num_frames - 1 :: stack.num_frames]  # each stack moves as one
        return stack.moments(augmentation.moments(lasts, random, keep_ends=keep_ends))

    @property
    def own_frames(self) -> npt.NDArray[np.intp]:
        """Which frames of a window the network's own are, not those before them for motion.

        Returns:
            intp, shape (frames_per_clip,).
        """
        stack, count = stack_of(self.modality), self.clip_frames.shape[1]
        count = count - shows_motion(self.modality) if stack is None else count // stack.num_frames
        return np.asarray(source_frames(self.modality, count)[:, -1])

    def label_of(self, clip: int) -> str:
        """The label, or the first label, of one clip; "" if it has none."""
        if self.clip_labels[clip] < 0:
            return ""
        return str(self.labels[self.clip_labels[clip]])

    def _side_label(self, clip: int, augmentation: Augmentation) -> str:
        """The label that decides whether a clip may be mirrored."""
        if self.truths is None:
            return self.label_of(clip)
        video: Video = self.videos[self.clip_videos[clip]]
        return video.label_among(augmentation.keep_sides)

    def drawn(self, clip: int) -> UInt8Array:
        """What a network sees of one clip, for a person: uint8, shape (F, H, W, C)."""
        return np.asarray(self.pictures([clip])[0])

    def shown(self, clip: int) -> UInt8Array:
        """A clip as the camera saw it: uint8, shape (frames_per_window, H, W, 3 or 1)."""
        return np.asarray(self.images([clip])[0])

    def one_hot(self, clips: npt.NDArray[np.intp] | Sequence[int]) -> npt.NDArray[np.float32]:
        """Labels of some clips: float32, shape (len(clips), num_labels); 1 for each that it has."""
        if self.truths is not None:
            return np.asarray(self.truths[np.asarray(clips)], np.float32)
        rows = np.eye(len(self.labels), dtype=np.float32)
        return np.asarray(rows[self.clip_labels[np.asarray(clips)]])

    def joined(self, other: ClipSet) -> ClipSet:
        """These clips, followed by those of other videos with the same labels and sampling."""
        return replace(
            self,
            frames=self._frames_joined(other),
            clip_frames=np.concatenate([self.clip_frames, other.clip_frames + len(self.frames)]),
            clip_times_seconds=np.concatenate([self.clip_times_seconds, other.clip_times_seconds]),
            clip_labels=np.concatenate([self.clip_labels, other.clip_labels]),
            clip_videos=np.concatenate([self.clip_videos, other.clip_videos + len(self.videos)]),
            truths=(
                None
                if self.truths is None or other.truths is None
                else np.concatenate([self.truths, other.truths])
            ),
            videos=self.videos + other.videos,
            num_skipped=self.num_skipped + other.num_skipped,
            video_times_seconds=self.video_times_seconds + other.video_times_seconds,
        )

    def num_of(self, label: int) -> int:
        """Number of clips that have a label, by its index."""
        if self.truths is not None:
            return int(self.truths[:, label].sum())
        return int((self.clip_labels == label).sum())

    def _frames_joined(self, other: ClipSet) -> UInt8Array | VideoFrames:
        if isinstance(self.frames, VideoFrames) and isinstance(other.frames, VideoFrames):
            return self.frames.joined(other.frames)
        every = [clips.frames[np.arange(len(clips.frames))] for clips in (self, other)]
        return np.concatenate(every)

    @cached_property
    def video_starts(self) -> npt.NDArray[np.intp]:
        """Index of each video's first frame in `frames`, if their times are known."""
        return np.cumsum([0, *map(len, self.video_times_seconds)])


def with_clip_length(spec: ModelSpec, clips: ClipSet) -> ModelSpec:
    """The contract with the length of a live window.

    Clips of whole videos are as long as their videos; live windows have the median length. A
    sliding contract is returned unchanged.
    """
    if not spec.shows_whole_videos:
        return spec
    own_seconds = clips.clip_times_seconds[:, clips.own_frames]
    lengths_seconds = own_seconds[:, -1] - own_seconds[:, 0]
    # A clip of one frame has no length, but a live window needs one.
    return replace(spec, clip_seconds=max(round(float(np.median(lengths_seconds)), 3), 0.001))
