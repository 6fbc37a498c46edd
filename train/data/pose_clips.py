"""Clips of people: their joints instead of pictures.

A video is decoded and its people followed once; the joints are kept in the cache of decoded videos.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, Float64Array, UInt8Array
from rtaction.errors import SourceError
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.pose.drawing import draw_skeleton
from rtaction.pose.keypoints import VISIBLE_SCORE
from rtaction.pose.normal import window_numbers
from rtaction.pose.people import PoseNetworks
from rtaction.pose.video_poses import VideoPoses, read_poses
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_reading import check_labels, labels_of_clips
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.data.joint_changes import changed_joints, points_at
from rtaction.video.span import Span

_log = logging.getLogger(__name__)

# Increase this when the same video would give other joints.
_FORMAT = 3
_DRAWN_SIZE = 160
_MARGIN = 0.08  # around what is drawn, as a share of it


@dataclass(frozen=True, eq=False)
class PoseClips(ClipSet):
    """Clips whose frames are the joints of one person.

    Args:
        frames: float32, shape (num_moments, 17, 3), see `VideoPoses.points`; those of all videos.
        interval_seconds: between two moments.
        others: as for `ClipSet`.
    """

    interval_seconds: float = 0.125

    def pictures(self, clips: npt.NDArray[np.intp] | Sequence[int]) -> Any:
        """What a network sees: float32, shape (len(clips), frames_per_clip, NUM_NUMBERS)."""
        return window_numbers(self.points(clips), self.interval_seconds)

    def points(self, clips: npt.NDArray[np.intp] | Sequence[int]) -> Float32Array:
        """Joints of some clips: float32, shape (len(clips), frames_per_clip, 17, 3)."""
        return np.asarray(self.images(clips), np.float32)

    def changed(self, clip: int, augmentation: Augmentation, random: np.random.Generator) -> Any:
        """What a network sees of one clip, augmented: float32, (frames_per_clip, NUM_NUMBERS)."""
        points: Any = self.changed_images(clip, augmentation, random)
        return window_numbers(points, self.interval_seconds)

    def changed_images(
        self, clip: int, augmentation: Augmentation, random: np.random.Generator
    ) -> Any:
        """Joints of one clip, augmented: float32, shape (frames_per_clip, 17, 3)."""
        moments = self.changed_moments(clip, augmentation, random)
        video = self.clip_videos[clip]
        own = np.arange(self.video_starts[video], self.video_starts[video + 1])
        points = points_at(
            np.asarray(self.frames[own], np.float32), self.video_times_seconds[video], moments
        )
        return changed_joints(points, augmentation, self._side_label(clip, augmentation), random)

    def changed_drawn(
        self, clip: int, augmentation: Augmentation, random: np.random.Generator
    ) -> UInt8Array:
        """Skeletons of one clip, augmented, as `drawn`."""
        return drawn_joints(self.changed_images(clip, augmentation, random))

    def drawn(self, clip: int) -> UInt8Array:
        """A clip's skeletons: uint8 RGB, shape (frames_per_clip, 160, 160, 3)."""
        return drawn_joints(self.points([clip])[0])

    def shown(self, clip: int) -> UInt8Array:
        """A clip's skeletons, as `drawn`."""
        return self.drawn(clip)


def read_pose_clips(
    videos: Sequence[Video],
    spec: ModelSpec,
    networks: PoseNetworks,
    *,
    stride_seconds: float | None = None,
    need_every_label: bool = True,
    on_video: Callable[[], None] | None = None,
    cache: FrameCache | None = None,
    tell: Callable[[str], None] = _log.warning,
) -> PoseClips:
    """Follow the people of videos, and cut the joints of who acts into windows.

    A video in which nobody is seen for a window is skipped, with a warning that says why.

    Args:
        videos: the videos.
        spec: labels and timing.
        networks: read the joints.
        stride_seconds: time from one window of a video to the next, rounded to whole pictures.
            Default: half a clip.
        need_every_label: see `read_clip_set`. Default True.
        on_video: called after each video. Default None.
        cache: keeps joints from run to run. Default: `FrameCache()`.
        tell: called with each warning. Default: logs it.

    Raises:
        DatasetError: no clips at all, or a label without clips although each is needed.
    """
    cache = cache or FrameCache()
    interval = spec.frame_interval_seconds
    step = max(round((stride_seconds or spec.clip_seconds / 2) / interval), 1)
    kept: list[Video] = []
    found: list[tuple[VideoPoses, npt.NDArray[np.intp]]] = []
    stop = threading.Event()

    def read(video: Video) -> VideoPoses | str:
        try:
            return cached_poses(video.path, interval, networks, cache, span=video.span, stop=stop)
        except SourceError as reason:
            return str(reason).removeprefix(str(video.path)).lstrip(": ")

    # Threads: decoders and networks run without holding the GIL.
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        for video, poses in zip(videos, pool.map(read, videos), strict=True):
            if on_video:
                on_video()
            reason, starts = poses, np.zeros(0, np.intp)
            if isinstance(poses, VideoPoses):
                starts = poses.window_starts(spec.frames_per_clip, step)
                reason = why_no_window(poses, spec)
            if not len(starts) or isinstance(poses, str):
                tell(f"skipped {video.where}: {reason}")
                continue
            kept.append(video)
            found.append((poses, starts))
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    num_skipped = len(videos) - len(kept)
    if num_skipped:
        tell(f"skipped {num_skipped} of {len(videos)} videos")
    check_labels(videos, kept, need_every_label)
    return _clips_of(kept, found, spec, num_skipped)


def cached_poses(
    path: Path,
    interval_seconds: float,
    networks: PoseNetworks,
    cache: FrameCache,
    *,
    span: Span | None = None,
    stop: threading.Event | None = None,
) -> VideoPoses:
    """The joints of a video, from the cache if they are there; see `read_poses`."""
    identity = ["poses", _FORMAT, networks.identity, interval_seconds]
    if span is not None:
        identity += [span.start_seconds, span.end_seconds]
    points = cache.array(path, [*identity, "points"])
    times = cache.array(path, [*identity, "times"])
    if points is not None and times is not None:
        return VideoPoses(points, times, interval_seconds)
    poses = read_poses(path, interval_seconds, networks, span=span, stop=stop)
    cache.keep_array(path, [*identity, "points"], poses.points)
    cache.keep_array(path, [*identity, "times"], poses.times_seconds)
    return poses


def why_no_window(poses: VideoPoses, spec: ModelSpec) -> str:
    """Why a video has no window, for a person."""
    seconds = poses.times_seconds[-1]
    if poses.num_moments < spec.frames_per_clip:
        return f"too short: {seconds:.2f} s, a clip needs {spec.clip_seconds:.2f} s"
    if not poses.is_seen.any():
        return "nobody is seen in it"
    return (
        f"nobody is seen for {spec.clip_seconds / 2:.1f} s of a window of "
        f"{spec.clip_seconds:.2f} s, or frames are missing"
    )


def drawn_joints(points: Float32Array) -> UInt8Array:
    """Skeletons on black, in the middle of their picture.

    Args:
        points: float32, shape (n, 17, 3), of one person.

    Returns:
        uint8 RGB, shape (n, 160, 160, 3).
    """
    drawn: Any = np.zeros((len(points), _DRAWN_SIZE, _DRAWN_SIZE, 3), np.uint8)
    seen = points[..., 2] > VISIBLE_SCORE
    if not seen.any():
        return np.asarray(drawn)
    low, high = points[seen][:, :2].min(axis=0), points[seen][:, :2].max(axis=0)
    side = max(float((high - low).max()), 1e-6) * (1 + 2 * _MARGIN)
    places = ((points[..., :2] - (low + high) / 2) / side + 0.5) * (_DRAWN_SIZE - 1)
    for image, places_yx, visible in zip(drawn, places, seen, strict=True):
        draw_skeleton(image, places_yx[:, ::-1], visible, (240, 240, 240), 1)
    return np.asarray(drawn)


def _clips_of(
    videos: Sequence[Video],
    found: Sequence[tuple[VideoPoses, npt.NDArray[np.intp]]],
    spec: ModelSpec,
    num_skipped: int,
) -> PoseClips:
    times: list[Float64Array] = [
        np.asarray(np.arange(poses.num_moments) * poses.interval_seconds, np.float64)
        + (video.span.start_seconds if video.span else 0.0)
        for video, (poses, _) in zip(videos, found, strict=True)
    ]
    firsts = np.cumsum([0, *map(len, times)])
    within = np.arange(spec.frames_per_clip)
    windows = [starts[:, np.newaxis] + within for _, starts in found]
    counts = [len(one) for one in windows]
    points: Any = np.concatenate([poses.points for poses, _ in found])
    firsts_of_clips, truths = labels_of_clips(videos, counts, spec)
    return PoseClips(
        frames=points,
        clip_frames=np.concatenate(
            [one + first for one, first in zip(windows, firsts, strict=False)]
        ),
        clip_times_seconds=np.concatenate(
            [of_video[one] for of_video, one in zip(times, windows, strict=True)]
        ),
        clip_labels=firsts_of_clips,
        truths=truths,
        clip_videos=np.repeat(np.arange(len(videos)), counts).astype(np.intp),
        labels=spec.labels,
        videos=tuple(videos),
        modality=spec.modality,
        num_skipped=num_skipped,
        sampling=spec.sampling,
        video_times_seconds=tuple(times),
        interval_seconds=spec.frame_interval_seconds,
    )
