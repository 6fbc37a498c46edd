"""The formats of videos that are written: containers, encoders and their options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rtaction.video.encoders import hardware_encoder, software_encoder

# Of FFmpeg's scale from 2, the best, to 31.
_JPEG_QUALITY = 3
_JPEG = {"flags": "+qscale", "global_quality": str(_JPEG_QUALITY * 118)}
# Each frame reaches the disk before the next: a killed process loses one at most.
_CLUSTER_PER_FRAME = {"flush_packets": "1", "cluster_time_limit": "1"}
FRAGMENTED = {
    "flush_packets": "1",
    "movflags": "frag_every_frame+empty_moov+default_base_moof",
}
"""Options of an .mp4 that plays while it is written."""


@dataclass(frozen=True, slots=True)
class Format:
    """How frames become a file of one suffix.

    No encoder keeps frames back. Median milliseconds per 640x480 frame on one core of an AMD EPYC,
    and megabytes per minute at 25 frames a second: mjpeg 3 and 46, libvpx 8 and 3 (as OpenCV calls
    it, 53 and 93), libx264 5 and 3.
    """

    name: str
    codec: str
    pixels: str
    encoder: Mapping[str, str]
    muxer: dict[str, str]


_FORMATS = {
    ".avi": Format("avi", "mjpeg", "yuvj420p", _JPEG, {"flush_packets": "1"}),
    ".mkv": Format("matroska", "mjpeg", "yuvj420p", _JPEG, _CLUSTER_PER_FRAME),
    ".webm": Format(
        "webm",
        "libvpx",
        "yuv420p",
        {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "crf": "10",
            "b": "8M",
        },
        _CLUSTER_PER_FRAME,
    ),
}
_MP4 = ".mp4"
SUFFIXES = (*_FORMATS, _MP4)


def formats_of(suffix: str, *, uses_hardware: bool) -> list[Format]:
    """How a file may be encoded, the best first."""
    if suffix != _MP4:
        return [_FORMATS[suffix]]
    encoders = [hardware_encoder() if uses_hardware else None, software_encoder()]
    return [
        Format("mp4", encoder.codec, encoder.pixels, encoder.options, FRAGMENTED)
        for encoder in encoders
        if encoder is not None
    ]
