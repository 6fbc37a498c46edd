"""Simulated cameras with a steady frame rate, to measure how many a machine can handle.

There are three kinds, by what a frame costs before the model sees it: "ready" costs nothing;
"h264" and "mjpeg" are decoded from a stream in memory, as those of real cameras are.
"""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

from rtaction.frame import DeferredFrame, FrameLike
from rtaction.realtime.cameras.address import Address
from rtaction.realtime.cameras.camera import Camera
from rtaction.video.rgb_converter import RgbConverter

Kind = Literal["ready", "h264", "mjpeg"]
_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class SimulatedVideo:
    """The content of simulated cameras, made once for all of them.

    Args:
        images: uint8 RGB, each of shape (height, width, 3).
        packets: the encoded frames in order, by kind; the first is a key frame.
    """

    images: list[npt.NDArray[np.uint8]]
    packets: dict[str, list[bytes]]

    @classmethod
    def make(
        cls,
        size_hw: tuple[int, int] = (480, 640),
        frames_per_second: float = 25.0,
        *,
        h264_bits_per_second: int = 1_500_000,
    ) -> SimulatedVideo:
        """Some seconds of a shape that moves over a still background, with sensor noise."""
        random = np.random.default_rng(0)
        height, width = size_hw
        squares = random.integers(0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
        background = squares.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
        images = []
        num_frames = round(_SECONDS * frames_per_second)
        for number in range(num_frames):
            noise = random.normal(0.0, 2.0, (height, width, 1))
            image = np.clip(background + noise, 0, 255).astype(np.uint8)
            left = round((0.5 + 0.4 * np.sin(2 * np.pi * number / num_frames)) * width * 0.8)
            image[height // 4 : height // 2, left : left + width // 6] = (220, 180, 150)
            images.append(image)
        packets = {
            "h264": _encode(images, "h264", frames_per_second, h264_bits_per_second),
            "mjpeg": _encode(images, "mjpeg", frames_per_second),
        }
        return cls(images, packets)


class SimulatedCamera:
    """A camera that plays a `SimulatedVideo` in a loop.

    Args:
        camera: its name.
        video: what to play.
        kind: what decoding its frames costs.
        frames_per_second: its rate. Default 25.0.
        decode_all: decode and convert every frame, needed or not, as a simple program would.
            Default False.
        delay_seconds: before its first frame, so that cameras are not synchronised. Default 0.0.
    """

    is_live = True
    is_finite = False

    def __init__(
        self,
        camera: Camera,
        video: SimulatedVideo,
        kind: Kind,
        *,
        frames_per_second: float = 25.0,
        decode_all: bool = False,
        delay_seconds: float = 0.0,
    ) -> None:
        self.name = camera.name
        self.frames_per_second = frames_per_second
        self.drops: Counter[str] = Counter()
        self._video = video
        self._kind = kind
        self._decode_all = decode_all
        self._delay_seconds = delay_seconds
        self._closed = threading.Event()

    def frames(self) -> Iterator[FrameLike]:
        """RGB frames on the monotonic clock, each when it is due."""
        images = self._images()
        start_seconds = time.monotonic() + self._delay_seconds
        for number in itertools.count():
            at_seconds = start_seconds + number / self.frames_per_second
            if self._closed.wait(max(at_seconds - time.monotonic(), 0.0)):
                return
            make_image = next(images)
            frame = DeferredFrame(make_image, time.monotonic(), number, self.name)
            if self._decode_all:
                _ = frame.image
            yield frame

    def close(self) -> None:
        """Make `frames` end soon."""
        self._closed.set()

    def _images(self) -> Iterator[Callable[[], npt.NDArray[Any]]]:
        if self._kind == "ready":
            for image in itertools.cycle(self._video.images):
                yield partial(np.asarray, image)
            return
        decoder: Any = av.CodecContext.create(self._kind, "r")
        decoder.thread_count = 1
        to_rgb = RgbConverter().to_rgb

        def decode_whole(packet: Any) -> npt.NDArray[Any]:
            return to_rgb(decoder.decode(packet)[0])

        for number, data in enumerate(itertools.cycle(self._video.packets[self._kind])):
            packet = av.Packet(data)
            packet.pts = number
            if self._kind == "mjpeg":
                yield partial(decode_whole, packet)
                continue
            (picture,) = decoder.decode(packet)
            yield partial(to_rgb, picture)


def simulated_cameras(num_cameras: int) -> list[Camera]:
    """Named cameras, to be opened as `SimulatedCamera`."""
    # The runtime sees them as screens, which it does not check for sensor noise.
    return [
        Camera(Address("screen", number, f"camera {number + 1}"), f"camera {number + 1}")
        for number in range(num_cameras)
    ]


def _encode(
    images: list[npt.NDArray[np.uint8]],
    format_name: str,
    frames_per_second: float,
    bits_per_second: int | None = None,
) -> list[bytes]:
    codec, pixels = {"h264": ("libx264", "yuv420p"), "mjpeg": ("mjpeg", "yuvj420p")}[format_name]
    with av.open(io.BytesIO(), "w", format=format_name) as container:
        stream = container.add_stream(codec, rate=Fraction(frames_per_second))
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pixels
        # As cameras encode: no B-frames, and the headers are in band.
        if bits_per_second is not None:
            stream.options = {"tune": "zerolatency", "preset": "veryfast", "bf": "0"}
            stream.codec_context.gop_size = round(frames_per_second)
            stream.codec_context.bit_rate = bits_per_second
        packets = []
        for image in images:
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            packets += [bytes(packet) for packet in stream.encode(frame)]
        packets += [bytes(packet) for packet in stream.encode(None)]
    return packets
