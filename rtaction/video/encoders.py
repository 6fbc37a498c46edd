"""Encoders of H.264: which of those that FFmpeg has works on this machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np

_log = logging.getLogger(__name__)
_TRIAL_WH = (640, 480)
_TRIAL_FRAMES = 3
_LARGEST_ERROR = 8.0  # in levels of gray, on average


@dataclass(frozen=True, slots=True)
class H264Encoder:
    """An encoder, set so that it keeps no frames back, or few.

    Args:
        codec: its name in FFmpeg.
        pixels: the format of pixels that it takes.
        options: its options.
    """

    codec: str
    pixels: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)


_SOFTWARE = (
    H264Encoder("libx264", "yuv420p", {"preset": "veryfast", "tune": "zerolatency", "crf": "21"}),
    H264Encoder("libopenh264", "yuv420p", {"rc_mode": "quality"}),
)
# Each takes pictures from the memory of the computer; h264_vaapi does not.
_HARDWARE = (
    H264Encoder(
        "h264_nvenc", "yuv420p", {"preset": "p4", "tune": "ull", "zerolatency": "1", "cq": "24"}
    ),
    H264Encoder("h264_videotoolbox", "yuv420p", {"realtime": "1", "q": "60"}),
    H264Encoder("h264_qsv", "nv12", {"async_depth": "1", "global_quality": "23"}),
    H264Encoder("h264_amf", "nv12", {"usage": "lowlatency"}),
)


@cache
def software_encoder() -> H264Encoder:
    """The encoder of the processor: libx264, or where FFmpeg was built without it, another."""
    for encoder in _SOFTWARE:
        if _is_there(encoder):
            return encoder
    return _SOFTWARE[0]  # whoever opens it tells what is missing


@cache
def hardware_encoder() -> H264Encoder | None:
    """The encoder of a graphics processor, tried once; None if there is none that works."""
    for encoder in _HARDWARE:
        if _is_there(encoder) and _works(encoder):
            _log.info("clips are encoded by %s", encoder.codec)
            return encoder
    return None


def _is_there(encoder: H264Encoder) -> bool:
    try:
        av.codec.Codec(encoder.codec, "w")
    except ValueError:
        return False
    return True


def _works(encoder: H264Encoder) -> bool:
    """Whether what it encodes can be decoded, and looks the same."""
    wanted = np.linspace(40, 200, _TRIAL_WH[0]).astype(np.uint8)
    image = np.broadcast_to(wanted[None, :, None], (*_TRIAL_WH[::-1], 3))
    try:
        packets = _encoded(encoder, np.ascontiguousarray(image))
        decoder: Any = av.CodecContext.create("h264", "r")
        frames = [frame for packet in (*packets, None) for frame in decoder.decode(packet)]
    except (av.error.FFmpegError, OSError, ValueError):
        return False
    if len(frames) != _TRIAL_FRAMES:
        return False
    seen = frames[-1].to_ndarray(format="gray").mean(axis=0)
    return bool(np.abs(seen - wanted).mean() < _LARGEST_ERROR)


def _encoded(encoder: H264Encoder, image_rgb: np.ndarray) -> list[Any]:
    context: Any = av.CodecContext.create(encoder.codec, "w")
    context.width, context.height = _TRIAL_WH
    context.pix_fmt = encoder.pixels
    context.time_base = Fraction(1, 30)
    context.options = dict(encoder.options)
    packets = []
    for number in range(_TRIAL_FRAMES):
        frame = av.VideoFrame.from_ndarray(image_rgb, "rgb24").reformat(format=encoder.pixels)
        frame.pts = number
        packets += context.encode(frame)
    return [*packets, *context.encode(None)]
