"""Clips of video files for a contract, as a model would get them live.

This module knows nothing about networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.errors import DatasetError, SourceError
from rtaction.model_spec import ModelSpec
from rtaction.sampling import sliding_selections
from rtaction.video.file import read_video
from rtaction.video.prepared import prepare_frame, prepared_pictures
from rtaction.video.video_files import files_below, videos_among


@dataclass(frozen=True, slots=True, eq=False)
class VideoClip:
    """One window of one video.

    Args:
        path: the video.
        start_seconds: time of its first frame.
        pictures: uint8, `spec.clip_shape`.
    """

    path: Path
    start_seconds: float
    pictures: UInt8Array

    @property
    def name(self) -> str:
        """The path and the time, for a person."""
        return f"{self.path} at {self.start_seconds:.2f} s"


def find_video_files(places: Sequence[Path]) -> list[Path]:
    """Video files, given directly or in folders, at any depth.

    Raises:
        DatasetError: a path is missing, or there are no videos.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += videos_among(files_below(place), place)
        elif place.is_file():
            found.append(place)
        else:
            raise DatasetError(f"there is no video file or folder {place}")
    if not found:
        raise DatasetError(f"no video in {', '.join(map(str, places))}")
    return found


def read_clips(path: Path, spec: ModelSpec, *, max_clips: int = 8) -> list[VideoClip]:
    """Consecutive windows of one video, or an even selection if there are more than `max_clips`.

    Args:
        path: the video.
        spec: the contract.
        max_clips: maximum number. Default 8.

    Returns:
        The clips; none if the video is too short or has gaps.

    Raises:
        SourceError: it cannot be decoded.
    """
    times = [frame.captured_at_seconds for frame in read_video(path)]
    selections = sliding_selections(
        times,
        frames_per_clip=spec.frames_per_window,
        clip_seconds=spec.window_seconds,
        stride_seconds=spec.window_seconds,
        stack=spec.stack,
    )
    usable = [one.indices for one in selections if one.problem is None]
    if not usable:
        return []
    positions = np.linspace(0, len(usable) - 1, min(len(usable), max_clips)).round().astype(int)
    chosen = [usable[position] for position in positions]
    needed = {int(index) for indices in chosen for index in indices}
    # Decoded a second time, so that only the needed frames are held; what is left out is told once.
    frames = {
        number: prepare_frame(frame.image, spec)
        for number, frame in enumerate(read_video(path, tell=lambda _: None))
        if number in needed
    }
    return [
        VideoClip(
            path,
            times[indices[0]],
            prepared_pictures([frames[int(i)] for i in indices], spec),
        )
        for indices in chosen
    ]


def read_all_clips(
    paths: Sequence[Path], spec: ModelSpec, *, max_clips: int = 8
) -> Iterator[VideoClip | str]:
    """Clips of many videos; for a video without any, a message that says why.

    Args:
        paths: the videos.
        spec: the contract.
        max_clips: maximum number per video. Default 8.
    """
    for path in paths:
        try:
            clips = read_clips(path, spec, max_clips=max_clips)
        except SourceError as error:
            yield str(error)
            continue
        if not clips:
            yield f"{path}: no window of {spec.window_seconds:.2f} s without gaps"
        yield from clips
