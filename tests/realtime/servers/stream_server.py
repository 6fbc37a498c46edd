"""Streams over HTTP whose faults are steered by the test: Motion JPEG, HLS, a file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy.typing as npt
from av.video.frame import PictureType

from rtaction.opencv import cv2
from tests.realtime.servers import rtp
from tests.realtime.servers.rtp import Login, Picture, Request
from tests.realtime.servers.steered_server import Connection, SteeredServer, Task

BOUNDARY = "picture"
PROTOCOL = "HTTP/1.1"
CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".mp4": "video/mp4",
}
SEGMENTS_IN_PLAYLIST = 3
_POLL_SECONDS = 0.02


class StreamServer(SteeredServer):
    """Shows the same made pictures as /mjpeg, /hls/live.m3u8 and /file.mp4; 404 elsewhere.

    The live playlist begins with the first request for it, which is answered once a segment is
    full. A stall stops it as well: a camera that sends nothing takes no pictures either.

    Args:
        size_hw: height and width in pixels, both even. Default (48, 64).
        frames_per_second: the rate, or a callable that gives the seconds to the next picture.
            Default 25.0.
        picture: makes the pictures. Default `default_picture`.
        user: who may see the streams, with `password`, by basic login; None, the default, for
            everybody.
        file_seconds: how much of the pictures, from stream time 0, the file holds. Default 2.0.
        ranges: whether parts of the file can be asked for. Default True.
    """

    scheme = "http"

    def __init__(
        self,
        size_hw: tuple[int, int] = (48, 64),
        frames_per_second: float | Callable[[], float] = 25.0,
        picture: Picture = rtp.default_picture,
        user: str | None = None,
        password: str | None = None,
        file_seconds: float = 2.0,
        ranges: bool = True,
    ) -> None:
        super().__init__(size_hw, frames_per_second, picture, Login(user, password, "basic"))
        self._file_seconds = file_seconds
        self._ranges = ranges
        self._paddings: SimpleQueue[int] = SimpleQueue()
        self._temporary = TemporaryDirectory(prefix="stream-server-")
        self._folder = Path(self._temporary.name)
        self._segmenting: set[Task] = set()

    def url(
        self, user: str | None = None, password: str | None = None, path: str = "/mjpeg"
    ) -> str:
        """See `SteeredServer.url`."""
        return super().url(user, password, path)

    def close(self) -> None:
        """See `SteeredServer.close`."""
        try:
            super().close()
        finally:
            self._temporary.cleanup()

    def oversized_next(self, num_bytes: int) -> None:
        """Make the next Motion JPEG picture longer by so many bytes that mean nothing."""
        self._paddings.put(num_bytes)

    async def _serve(self, connection: Connection) -> None:
        while True:
            request = await rtp.read_request(connection.reader)
            if not self._login.allows(request):
                headers: dict[str, object] = {"WWW-Authenticate": self._login.challenge}
                await connection.send(rtp.answer(PROTOCOL, 401, headers))
            elif request.path == "/mjpeg":
                await self._send_pictures(connection)
            else:
                await connection.send(await self._file_answer(request))

    async def _send_pictures(self, connection: Connection) -> None:
        # Without an end there is no length to tell.
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        headers = f"Content-Type: {kind}\r\nConnection: close\r\n\r\n"
        await connection.send(f"{PROTOCOL} 200 OK\r\n{headers}".encode())
        seconds = begun_seconds = self._stream_seconds()
        while True:
            seconds = await self._moment(seconds, begun_seconds)
            jpeg = _jpeg(self._picture(seconds, self._size_hw))
            if self._truncations.acquire(blocking=False):
                jpeg = jpeg[: len(jpeg) // 2]
            if not self._paddings.empty():
                jpeg += bytes(self._paddings.get())
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            await connection.send(f"--{BOUNDARY}\r\n{head}".encode() + jpeg + b"\r\n")
            seconds = self._after(seconds)

    async def _file_answer(self, request: Request) -> bytes:
        path = self._folder / Path(request.path).name
        if request.path == "/file.mp4" and not path.exists():
            self._write_file(path)
        if request.path == "/hls/live.m3u8" and not self._segmenting:
            self._start(self._write_segments(path), self._segmenting)
        while request.path == "/hls/live.m3u8" and not path.exists():
            await asyncio.sleep(_POLL_SECONDS)
        if request.path not in (f"/hls/{path.name}", "/file.mp4") or not path.is_file():
            return rtp.answer(PROTOCOL, 404, {})
        content = path.read_bytes()
        headers: dict[str, object] = {"Content-Type": CONTENT_TYPES[path.suffix]}
        wanted = re.match(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if wanted is None or not self._ranges or path.suffix != ".mp4":
            return rtp.answer(PROTOCOL, 200, headers, content)
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        if first > last:
            return rtp.answer(PROTOCOL, 416, {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        headers["Accept-Ranges"] = "bytes"
        return rtp.answer(PROTOCOL, 206, headers, content[first : last + 1])

    def _write_file(self, path: Path) -> None:
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream = _h264_stream(container, self._size_hw)
            seconds = 0.0
            while seconds < self._file_seconds:
                image = self._picture(seconds, self._size_hw)
                container.mux(stream.encode(_video_frame(image, seconds)))
                seconds = self._after(seconds)
            container.mux(stream.encode())

    async def _write_segments(self, path: Path) -> None:
        """Keep a playlist and its last segments, of a second each, up to date."""
        options = {
            "hls_time": "1",
            "hls_list_size": str(SEGMENTS_IN_PLAYLIST),
            "hls_flags": "delete_segments+omit_endlist",
        }
        size_hw = self._size_hw
        seconds = begun_seconds = self._stream_seconds()
        with av.open(str(path), "w", format="hls", options=options) as container:
            stream = _h264_stream(container, size_hw)
            next_key_seconds = 0.0
            while True:
                seconds = await self._moment(seconds, begun_seconds)
                passed_seconds = seconds - begun_seconds
                frame = _video_frame(self._picture(seconds, size_hw), passed_seconds)
                if passed_seconds >= next_key_seconds:
                    frame.pict_type = PictureType.I
                    next_key_seconds += 1.0
                container.mux(stream.encode(frame))
                seconds = self._after(seconds)


def _jpeg(image_rgb: npt.NDArray[Any]) -> bytes:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
    return bytes(encoded)


def _h264_stream(container: Any, size_hw: tuple[int, int]) -> Any:
    options = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"}
    stream = container.add_stream("libx264", rate=25, options=options)
    stream.height, stream.width = size_hw
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, rtp.CLOCK_HZ)
    stream.codec_context.max_b_frames = 0
    stream.codec_context.thread_count = 1
    return stream


def _video_frame(image_rgb: npt.NDArray[Any], seconds: float) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image_rgb, format="rgb24")
    frame.pts = round(seconds * rtp.CLOCK_HZ)
    frame.time_base = Fraction(1, rtp.CLOCK_HZ)
    return frame
