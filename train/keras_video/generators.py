"""The generators of the package keras-video-generators, for code that uses it.

    from rtaction.train.keras_video import SlidingFrameGenerator  # was: from keras_video import

Arguments, attributes and methods are those of its version 1.0.14, and a generator works with
`model.fit`. Some behaviour is corrected: frames are chosen by time, from a video's first to its
last; windows slide; the last batch of an epoch is not dropped; a video is on only one side of the
split; `split_test` works without `split_val`. New code should use `generators`, whose networks can
be exported as they are.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from rtaction.arrays import Float64Array, UInt8Array
from rtaction.errors import DatasetError, SourceError, UsageError
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.opencv import cv2
from rtaction.sampling import last_period_seconds, median_period_seconds
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.keras_video.base import VideoFrameGenerator
from rtaction.train.keras_video.transformed import require
from rtaction.video.motion import STILL, network_picture

__all__ = [
    "METHOD_ABS_DIFF",
    "METHOD_DIFF_MASK",
    "METHOD_FLOW_MASK",
    "METHOD_OPTICAL_FLOW",
    "OpticalFlowGenerator",
    "SlidingFrameGenerator",
    "VideoFrameGenerator",
]

_log = logging.getLogger(__name__)

METHOD_OPTICAL_FLOW = 1
METHOD_FLOW_MASK = 2
METHOD_DIFF_MASK = 3
METHOD_ABS_DIFF = 4

_MODALITIES = {
    METHOD_OPTICAL_FLOW: "flow",
    METHOD_FLOW_MASK: "flow_mask",
    METHOD_DIFF_MASK: "diff_mask",
    METHOD_ABS_DIFF: "abs_diff",
}
_DEFAULTS_OF_FARNEBACK = {"flowlevel": 3, "iterations": 3, "winsize": 15}


class SlidingFrameGenerator(VideoFrameGenerator):
    """Clips that slide through each video, frame by frame.

    A clip's frames are `sequence_time / nb_frames` apart: for a video with 30 frames per second,
    six frames in one second are frames 0, 5, ... 25, then 1, 6, ... 26, and so on.

    Args:
        args: see `VideoFrameGenerator`.
        sequence_time: seconds that a clip spans, at most those of the longest video. Default None:
            the whole video, so that there are as many clips as source frames between two frames of
            a clip.
        stride_time: seconds between the starts of two clips. Default None: one frame, which gives
            very many similar clips; a tenth of `sequence_time` is enough.
        kwargs: see `VideoFrameGenerator`.
    """

    def __init__(
        self,
        *args: Any,
        sequence_time: float | None = None,
        stride_time: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, seconds in (("sequence_time", sequence_time), ("stride_time", stride_time)):
            require(seconds is None or seconds > 0, f"{name} must be above 0, got {seconds}")
        self.sequence_time = sequence_time
        self.stride_time = stride_time

    def _own_options(self) -> dict[str, Any]:
        return {"sequence_time": self.sequence_time, "stride_time": self.stride_time}

    def _clip_sets(self, videos: list[Video]) -> list[ClipSet]:
        # Each video has its own length and frame rate, so each is a set with its own timing.
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            times = [one for one in pool.map(self._times_of, videos) if one is not None]
            self._require_time([one[1] for one in times])
            found = pool.map(self._sliding_through, *zip(*times, strict=True)) if times else ()
            return [one for one in found if one is not None]

    def _times_of(self, video: Video) -> tuple[Video, Float64Array] | None:
        try:
            with FrameCache().read(video.path, self.spec) as decoded:
                return video, decoded.times_seconds
        except SourceError as error:
            _log.warning("skipped %s", error)
            return None

    def _require_time(self, times: Sequence[Float64Array]) -> None:
        """Refuse a `sequence_time` that no video has, instead of skipping each of them."""
        shown = [float(one[-1] - one[0]) for one in times if len(one)]
        share = (self.nbframe - 1) / self.nbframe  # the last frame of a clip is before its end
        longest = max(shown, default=0.0)
        if not shown or self.sequence_time is None or self.sequence_time * share <= longest:
            return
        whole = max(one[-1] - one[0] + last_period_seconds(one) for one in times if len(one))
        raise UsageError(
            f"sequence_time is {self.sequence_time:g} s, but the longest of {len(times)} videos "
            f"lasts {whole:.2f} s; use less, such as sequence_time={max(whole / 2, 0.01):.2f}, or "
            "leave it out for clips of whole videos"
        )

    @property
    def vid_info(self) -> list[dict[str, Any]]:
        """The clips in the order of the videos: id, name, frame_count, frames (indices) and fps."""
        self._read()
        rows: list[dict[str, Any]] = []
        for number, (which, clip) in enumerate(self._clips):
            one = self._sets[which]
            times = one.video_times_seconds[0]  # each set has one video
            row = {"id": number, "name": self._file(number), "frame_count": len(times)}
            seconds = times[-1] - times[0]
            fps = (len(times) - 1) / seconds if seconds else 0.0
            row |= {"frames": one.clip_frames[clip], "fps": fps}
            rows.append(row)
        return rows

    def _find_clips(self, videos: list[Video]) -> None:
        self._sets = self._clip_sets(videos)  # `_get_frames` is called for each window, as it was
        self._clips = [(which, c) for which, one in enumerate(self._sets) for c in range(len(one))]

    def _sliding_through(self, video: Video, times: Float64Array) -> ClipSet | None:
        cache = FrameCache()
        period = median_period_seconds(times) or 1.0
        # A video that cannot be used is passed on: `read_clip_set` says why.
        whole = times[-1] - times[0] + last_period_seconds(times) if len(times) else 1.0
        pitch_seconds = (self.sequence_time or whole) / self.nbframe
        spec = ModelSpec(
            labels=tuple(self.classes),
            frames_per_clip=self.nbframe,
            clip_seconds=max(pitch_seconds * (self.nbframe - 1), 0.001),
            height=self.target_shape[0],
            width=self.target_shape[1],
            modality=self._modality,
        )
        stride_seconds = self.stride_time or period
        try:
            return read_clip_set(
                [video],
                spec,
                stride_seconds=stride_seconds,
                need_every_label=False,
                cache=cache,
            )
        except DatasetError:
            return None  # the warning says why


class OpticalFlowGenerator(VideoFrameGenerator):
    """Motion between the frames of a clip, which are spread over its whole video.

    Args:
        args: see `VideoFrameGenerator`.
        nb_frames: frames of motion in a clip, computed from one frame more. Default 5.
        method: METHOD_OPTICAL_FLOW, colours whose hue is the direction and whose brightness is the
            speed (at most an eighth of the frame); METHOD_FLOW_MASK and METHOD_DIFF_MASK, the
            frame where something moves or changes, black elsewhere; METHOD_ABS_DIFF, the absolute
            change of each gray value. See `rtaction.video.motion`. With one channel all are gray.
            Default METHOD_OPTICAL_FLOW.
        flowlevel: ignored, as are the next two: flow is computed by DIS, not by Farneback. Other
            values than the defaults give a warning. Default 3.
        iterations: ignored. Default 3.
        winsize: ignored. Default 15.
        kwargs: see `VideoFrameGenerator`.
    """

    def __init__(
        self,
        *args: Any,
        nb_frames: int = 5,
        method: int = METHOD_OPTICAL_FLOW,
        flowlevel: int = 3,
        iterations: int = 3,
        winsize: int = 15,
        **kwargs: Any,
    ) -> None:
        require(method in _MODALITIES, f"method must be one of {[*_MODALITIES]}, got {method}")
        self.method = method
        self.flowlevel, self.iterations, self.winsize = flowlevel, iterations, winsize
        given = {"flowlevel": flowlevel, "iterations": iterations, "winsize": winsize}
        if given != _DEFAULTS_OF_FARNEBACK:
            _log.warning("flowlevel, iterations and winsize are ignored: flow is computed by DIS")
        # The old class took `nb_frames` only by name, so the first positional one is `rescale`.
        if args:
            kwargs["rescale"], args = args[0], args[1:]
            require(not args, "pass all arguments except rescale by name")
        super().__init__(nb_frames=nb_frames, **kwargs)

    def _own_options(self) -> dict[str, Any]:
        return {"method": self.method}

    @property
    def _modality(self) -> str:
        return _MODALITIES[self.method]

    def _pictures(self, images: UInt8Array) -> UInt8Array:
        pictures = (network_picture(one, other, self._modality) for one, other in pairwise(images))
        return np.stack([self._with_channels(picture) for picture in pictures])

    def _with_channels(self, picture: UInt8Array) -> UInt8Array:
        if self.method == METHOD_OPTICAL_FLOW:
            return _flow_colours(picture) if self.nb_channel == 3 else _speed(picture)
        if picture.shape[2] == self.nb_channel:
            return picture
        if self.nb_channel == 3:
            return np.repeat(picture, 3, axis=2)
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)[..., np.newaxis]


def _speed(flow: UInt8Array) -> UInt8Array:
    """uint8 (height, width, 1) of a frame of flow (height, width, 2)."""
    right, down = np.moveaxis((flow.astype(np.float32) - STILL) / STILL, 2, 0)
    levels = np.rint(255 * np.minimum(np.hypot(right, down), 1))
    return np.asarray(levels[..., np.newaxis], np.uint8)


def _flow_colours(flow: UInt8Array) -> UInt8Array:
    """uint8 RGB (height, width, 3) of a frame of flow (height, width, 2)."""
    right, down = np.moveaxis(flow.astype(np.float32) - STILL, 2, 0)
    # In OpenCV, the hue of 8-bit images has steps of two degrees.
    hue = np.rint(np.degrees(np.arctan2(down, right)) % 360 / 2).astype(np.uint8) % 180
    hsv = np.stack([hue, np.full_like(hue, 255), _speed(flow)[..., 0]], axis=2)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)
