"""Videos, decoded once into the clips that a network is trained on.

Only the pictures that some clip uses are kept, at the network's own size, in one temporary file
that is mapped into memory: a large set needs disk, not memory. This file knows nothing of networks.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from rtaction.errors import DatasetError, SourceError
from rtaction.model_spec import ModelSpec
from rtaction.pixels import UInt8Array, prepare_image
from rtaction.sampling import (
    Selection,
    last_period_seconds,
    sliding_selections,
    spread_selection,
)
from rtaction.train.videos import Video
from rtaction.video import read_declared, read_video

_log = logging.getLogger(__name__)

# A header that promises this much more than can be decoded describes a file that was cut off.
_MIN_DECODED_FRACTION = 0.9
_DECLARED_SLACK_SECONDS = 0.25


class _Skipped(Exception):
    """Why one video is left out."""


@dataclass(frozen=True, eq=False)
class ClipSet:
    """Clips of several videos.

    Args:
        frames: uint8, shape (num_frames, height, width, channels); every picture once.
        clip_frames: intp, shape (num_clips, frames_per_clip), positions in `frames`.
        clip_times_seconds: float64, shape (num_clips, frames_per_clip), times in the clip's video.
        clip_labels: intp, shape (num_clips,), positions in `labels`.
        clip_videos: intp, shape (num_clips,), positions in `videos`.
        labels: all labels, in the order of a network's scores.
        videos: those that gave at least one clip.
        num_skipped: videos that gave none.
    """

    frames: UInt8Array
    clip_frames: npt.NDArray[np.intp]
    clip_times_seconds: npt.NDArray[np.float64]
    clip_labels: npt.NDArray[np.intp]
    clip_videos: npt.NDArray[np.intp]
    labels: tuple[str, ...]
    videos: tuple[Video, ...]
    num_skipped: int = 0

    def __len__(self) -> int:
        return len(self.clip_labels)

    def images(self, clips: npt.NDArray[np.intp] | Sequence[int]) -> UInt8Array:
        """Pictures of some clips: uint8, shape (len(clips), frames_per_clip, H, W, channels)."""
        return np.asarray(self.frames[self.clip_frames[np.asarray(clips, dtype=np.intp)]])

    def one_hot(self, clips: npt.NDArray[np.intp] | Sequence[int]) -> npt.NDArray[np.float32]:
        """Labels of some clips: float32, shape (len(clips), num_labels)."""
        rows = np.eye(len(self.labels), dtype=np.float32)
        return np.asarray(rows[self.clip_labels[np.asarray(clips)]])


@dataclass(frozen=True, eq=False)
class _Decoded:
    """The clips of one video; `clip_frames` counts within its own `frames`."""

    frames: UInt8Array
    clip_frames: npt.NDArray[np.intp]
    clip_times_seconds: npt.NDArray[np.float64]


def read_clip_set(
    videos: Sequence[Video],
    spec: ModelSpec,
    *,
    stride_seconds: float | None = None,
    need_every_label: bool = True,
    on_video: Callable[[], None] | None = None,
) -> ClipSet:
    """Decode videos into clips. A video that gives none is skipped, with a warning that says why.

    Args:
        videos: what to decode.
        spec: labels, timing and size of the clips.
        stride_seconds: distance between two windows of a video. Default: half a clip. Without
            meaning where `spec.sampling` is "spread".
        need_every_label: refuse a set in which a label has videos, but none that can be used.
            Default True.
        on_video: called after each video. Default None.

    Raises:
        DatasetError: no clip at all, a label without clips where each is needed, or no room on the
            disk.
    """
    read_one = partial(_read_or_reason, spec=spec, stride_seconds=stride_seconds)
    kept: list[Video] = []
    parts: list[_Decoded] = []
    offsets = [0]
    with _open_store() as store, ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for video, result in zip(videos, pool.map(read_one, videos), strict=True):
            if on_video:
                on_video()
            if isinstance(result, str):
                _log.warning("skipped %s: %s", video.path, result)
                continue
            _append(store, result.frames)
            kept.append(video)
            offsets.append(offsets[-1] + len(result.frames))
            empty = np.empty((0,), np.uint8)
            parts.append(_Decoded(empty, result.clip_frames, result.clip_times_seconds))
        num_skipped = len(videos) - len(kept)
        if num_skipped:
            _log.warning("skipped %d of %d videos", num_skipped, len(videos))
        _check_labels(videos, kept, need_every_label)
        frames = _map(store, (offsets[-1], *spec.frame_shape))
    counts = [len(part.clip_frames) for part in parts]
    label_numbers = [spec.labels.index(video.label) for video in kept]
    shifted = [p.clip_frames + start for p, start in zip(parts, offsets[:-1], strict=True)]
    return ClipSet(
        frames=frames,
        clip_frames=np.concatenate(shifted),
        clip_times_seconds=np.concatenate([part.clip_times_seconds for part in parts]),
        clip_labels=np.repeat(label_numbers, counts).astype(np.intp),
        clip_videos=np.repeat(np.arange(len(kept)), counts).astype(np.intp),
        labels=spec.labels,
        videos=tuple(kept),
        num_skipped=num_skipped,
    )


def _check_labels(videos: Sequence[Video], kept: Sequence[Video], need_every_label: bool) -> None:
    lost = sorted({v.label for v in videos} - {v.label for v in kept})
    if lost and (need_every_label or not kept):
        raise DatasetError(
            f"not one of these {len(videos)} videos of {lost} can be used; the warnings above say "
            "why"
        )


def _read_or_reason(
    video: Video, *, spec: ModelSpec, stride_seconds: float | None
) -> _Decoded | str:
    try:
        return _read_one(video.path, spec, stride_seconds)
    except (_Skipped, SourceError) as reason:
        return str(reason).removeprefix(str(video.path)).lstrip(": ")


def _read_one(path: Path, spec: ModelSpec, stride_seconds: float | None) -> _Decoded:
    times: list[float] = []
    with _open_store() as raw:
        for frame in read_video(path):
            image = prepare_image(
                frame.image, (spec.height, spec.width), modality=spec.modality, resize=spec.resize
            )
            _append(raw, image)
            times.append(frame.captured_at_seconds)
        _check_length(path, times)
        selections = _usable_selections(times, spec, stride_seconds)
        indices = np.stack([selection.indices for selection in selections])
        used, positions = np.unique(indices, return_inverse=True)
        frames = _map(raw, (len(times), *spec.frame_shape))[used]
    clip_times = np.asarray(times, dtype=np.float64)[indices]
    return _Decoded(frames, positions.reshape(indices.shape).astype(np.intp), clip_times)


def _check_length(path: Path, times_seconds: Sequence[float]) -> None:
    declared_seconds = read_declared(path).duration_seconds
    decoded_seconds = times_seconds[-1] - times_seconds[0] + last_period_seconds(times_seconds)
    if decoded_seconds < _MIN_DECODED_FRACTION * declared_seconds - _DECLARED_SLACK_SECONDS:
        raise _Skipped(
            f"its header promises {declared_seconds:.1f} s, but only {decoded_seconds:.1f} s can "
            "be decoded; it was cut off, or its header lies"
        )


def _usable_selections(
    times_seconds: Sequence[float], spec: ModelSpec, stride_seconds: float | None
) -> list[Selection]:
    needed = spec.frames_per_clip
    if spec.sampling == "spread":
        if len(times_seconds) < needed:
            raise _Skipped(f"too short: {len(times_seconds)} frames, a clip needs {needed}")
        selections = [spread_selection(times_seconds, frames_per_clip=needed)]
    else:
        selections = sliding_selections(
            times_seconds,
            frames_per_clip=needed,
            clip_seconds=spec.clip_seconds,
            stride_seconds=stride_seconds or spec.clip_seconds / 2,
        )
        if not selections:
            duration_seconds = times_seconds[-1] - times_seconds[0]
            raise _Skipped(
                f"too short: {duration_seconds:.2f} s, a clip needs {spec.clip_seconds:.2f} s"
            )
    usable = [selection for selection in selections if selection.problem is None]
    if not usable:
        raise _Skipped(
            "its frames lie too far apart in time, or have holes: no clip of "
            f"{needed} different frames can be had"
        )
    return usable


def _open_store() -> IO[bytes]:
    return tempfile.TemporaryFile(prefix="rtaction-")


def _append(store: IO[bytes], images: UInt8Array) -> None:
    try:
        store.write(images.data)
    except OSError as error:
        raise DatasetError(
            f"cannot keep decoded pictures in {tempfile.gettempdir()}: {error}; make room there, "
            "or set TMPDIR to a folder on a larger disk"
        ) from None


def _map(store: IO[bytes], shape: tuple[int, ...]) -> UInt8Array:
    store.flush()
    return np.memmap(store, dtype=np.uint8, mode="r", shape=shape)


def with_clip_length(spec: ModelSpec, clips: ClipSet) -> ModelSpec:
    """The contract with the length that a live window needs.

    Clips spread over whole videos are as long as their videos; live, the median length stands for
    them. A sliding contract is returned as it is.
    """
    if spec.sampling == "sliding":
        return spec
    lengths_seconds = clips.clip_times_seconds[:, -1] - clips.clip_times_seconds[:, 0]
    # A clip of one picture has no length, but a live window must have one.
    return replace(spec, clip_seconds=max(round(float(np.median(lengths_seconds)), 3), 0.001))
