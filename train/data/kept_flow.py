"""Optical flow between frames of decoded videos, kept beside them, so that each is computed once.

Windows overlap, and an epoch shows much of what those before have shown: the flow between most
pairs of frames is needed again. A field takes 2 bytes a pixel, 25 kB at 112x112.

This module knows nothing about clips or changes of frames.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rtaction.arrays import UInt8Array
from rtaction.train.data.cache_room import FLOW_SUFFIX, CacheRoom
from rtaction.train.data.decoded_video import VideoFrames
from rtaction.train.data.field_files import FieldFiles
from rtaction.video.motion import flow_field

# Increase this when the same frames would give another field.
_FORMAT = 1

IndexArray = npt.NDArray[np.intp]


class KeptFlow:
    """The flow between frames, from the files beside them or computed. Thread-safe.

    The flow of videos whose frames are not kept, and that for which there is no room, is computed
    each time.

    Args:
        room: that of the folder with the decoded videos. Default None: nothing is kept.
    """

    def __init__(self, room: CacheRoom | None = None) -> None:
        self._files = FieldFiles(room, f"-{_FORMAT}{FLOW_SUFFIX}")

    def between(
        self, frames: UInt8Array | VideoFrames, before: IndexArray, after: IndexArray
    ) -> UInt8Array:
        """The flow from some frames to others.

        Args:
            frames: all frames.
            before: intp, of any shape, positions of frames.
            after: intp, of the same shape, those of frames of the same videos, not earlier.

        Returns:
            uint8, shape (*before.shape, height, width, 2), see `flow_field`.
        """
        pairs = list(zip(before.ravel().tolist(), after.ravel().tolist(), strict=True))
        fields = np.empty((len(pairs), *frames.shape[1:3], 2), np.uint8)
        if isinstance(frames, VideoFrames):
            numbers = frames.numbers_of(before.ravel())
            for number in np.unique(numbers).tolist():
                places = np.flatnonzero(numbers == number).tolist()
                start = int(frames.starts[number])
                of_video = [(pairs[place][0] - start, pairs[place][1] - start) for place in places]
                fields[places] = list(self._fields(frames, number, of_video))
        else:
            for place, (one, other) in enumerate(pairs):
                fields[place] = flow_field(frames[one], frames[other])
        return fields.reshape(*before.shape, *fields.shape[1:])

    def _fields(
        self, frames: VideoFrames, number: int, pairs: list[tuple[int, int]]
    ) -> Iterator[UInt8Array]:
        """The fields between pairs of frames of one video."""
        video, images = frames.videos[number], None
        with self._files.of(video, (*video.frame_shape[:2], 2)) as file:
            for one, other in pairs:
                of_whole = video.first + one, video.first + other
                found = file.read(*of_whole) if file else None
                if found is None:
                    images = frames.of_video(number) if images is None else images
                    found = flow_field(images[one], images[other])
                    if file:
                        file.write(*of_whole, found)
                yield found
