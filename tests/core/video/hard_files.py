"""Video files that are hard to read, made on the spot."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags

Image = npt.NDArray[np.uint8]

NUM_FRAMES = 50
FRAMES_PER_SECOND = 25


def bar_image(at: float, size_hw: tuple[int, int] = (96, 128)) -> Image:
    """A bright bar on gray that moves to the right, four pixels per unit of `at`."""
    image = np.full((*size_hw, 3), 80, np.uint8)
    left = 8 + round(4 * at) % (size_hw[1] - 40)
    image[:, left : left + 24] = 200
    return image


def woven_image(number: int, size_hw: tuple[int, int]) -> Image:
    """The lines of two moments in one image, as an interlaced camera gives them."""
    image = bar_image(number, size_hw)
    image[1::2] = bar_image(number + 0.5, size_hw)[1::2]
    return image


def combing(image: npt.NDArray[Any]) -> float:
    """How much neighbouring lines differ, on average."""
    lines = image.astype(float)
    return float(np.abs(lines[1::2] - lines[::2]).mean())


def write_frames(
    target: Path | io.RawIOBase,
    images: Iterator[Image],
    codec: str = "libx264",
    *,
    pixel_format: str = "yuv420p",
    interlaced: bool = False,
    rotation: int = 0,
    mirrored: bool = False,
    container_format: str | None = None,
    muxer: dict[str, str] | None = None,
) -> None:
    """Write a video at 25 frames per second."""
    file: Any = target if isinstance(target, io.IOBase) else str(target)
    with av.open(file, "w", format=container_format, options=muxer or {}) as container:
        stream: Any = container.add_stream(codec, rate=FRAMES_PER_SECOND)
        stream.pix_fmt = pixel_format
        if interlaced:
            stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        if codec == "libx264":
            stream.options = {"x264-params": f"tff={int(interlaced)}", "preset": "veryfast"}
        if codec == "libsvtav1":
            stream.options = {"preset": "12"}
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        for number, image in enumerate(images):
            if number == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = number
            frame.time_base = Fraction(1, FRAMES_PER_SECOND)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def bars(count: int = NUM_FRAMES, size_hw: tuple[int, int] = (96, 128)) -> Iterator[Image]:
    """Images of a moving bar."""
    return (bar_image(number, size_hw) for number in range(count))


def write_bars(path: Path, codec: str = "libx264", **options: Any) -> Path:
    """A video of a moving bar."""
    write_frames(path, bars(), codec, **options)
    return path


def write_stamped(path: Path, milliseconds: list[int]) -> Path:
    """A Motion JPEG .mkv whose frames have exactly these times, however wrong."""
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 128, 96, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(bar_image(0), format="rgb24").reformat(format="yuvj420p")
    frame.pts = 0
    jpeg = bytes(encoder.encode(frame)[0])
    with av.open(str(path), "w") as container:
        stream = container.add_mux_stream(
            "mjpeg", width=128, height=96, time_base=Fraction(1, 1000)
        )
        for stamp in milliseconds:
            packet: Any = av.Packet(jpeg)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 1000), True
            packet.pts = packet.dts = stamp
            container.mux_one(packet)
    return path


class Pipe(io.RawIOBase):
    """Something to write to that cannot seek, so that a header stays as it was begun."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self.content += part
        return len(part)


def piped(container_format: str, codec: str) -> bytes:
    """A video that was written into a pipe."""
    pipe = Pipe()
    write_frames(pipe, bars(), codec, container_format=container_format)
    return bytes(pipe.content)
