"""An RTSP camera whose faults are steered by the test.

There is no RTP over UDP, no RTCP and no sound. How pictures become packets is not known here; see
rtp.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tests.realtime.servers import rtp
from tests.realtime.servers.rtp import Login, Picture, Request
from tests.realtime.servers.steered_server import Connection, SteeredServer


class FaultServer(SteeredServer):
    """An RTSP camera: H.264 at /live, what no decoder knows at /odd, nothing elsewhere.

    Each client has its own encoder, in one thread: keep pictures small where clients are many.

    Args:
        size_hw: height and width in pixels, both even. Default (48, 64).
        frames_per_second: the rate, or a callable that gives the seconds to the next picture, such
            as `itertools.cycle([0.02, 0.06]).__next__`. Default 25.0.
        picture: makes the pictures. Default `default_picture`.
        user: who may see the stream, with `password`; None, the default, for everybody.
        auth: how they say so, "basic" or "digest". Default "digest".
        burst_seconds: how much of the past is sent at once when a stream begins. Default 0.0.
        first_rtp_timestamp: stamp of a stream's first picture, by 90000 Hz; FFmpeg takes 0
            for none. Default 90000.
    """

    scheme = "rtsp"

    def __init__(
        self,
        size_hw: tuple[int, int] = (48, 64),
        frames_per_second: float | Callable[[], float] = 25.0,
        picture: Picture = rtp.default_picture,
        user: str | None = None,
        password: str | None = None,
        auth: Literal["basic", "digest"] = "digest",
        burst_seconds: float = 0.0,
        first_rtp_timestamp: int = rtp.CLOCK_HZ,
    ) -> None:
        super().__init__(size_hw, frames_per_second, picture, Login(user, password, auth))
        self.num_plays = 0
        self._burst_seconds = burst_seconds
        self._first_timestamp = first_rtp_timestamp
        self._jumped_seconds = 0.0

    def jump_clock(self, seconds: float) -> None:
        """Shift the RTP timestamps of the streams that run, forwards or (negative) backwards."""
        self._jumped_seconds += seconds

    async def _serve(self, connection: Connection) -> None:
        stream, playing = rtp.RtpStream(), None
        while True:
            request = await rtp.read_request(connection.reader)
            self.num_plays += request.method == "PLAY"
            status = self._status(request)
            info = f"seq={stream.next_sequence};rtptime={self._first_timestamp}"
            await connection.send(rtp.rtsp_answer(request, status, self._login, info))
            if status == 200 and request.method == "SETUP":
                stream.channel = request.channel or 0
            if status == 200 and request.method in ("PLAY", "PAUSE", "TEARDOWN"):
                if playing is not None:
                    playing.cancel()
                if request.method == "PLAY":
                    playing = self._start(self._play(connection, stream), connection.tasks)

    def _status(self, request: Request) -> int:
        if request.method != "OPTIONS" and not self._login.allows(request):
            return 401
        if not request.path.startswith(("/live", "/odd")):
            return 404
        return 461 if request.method == "SETUP" and request.channel is None else 200

    async def _play(self, connection: Connection, stream: rtp.RtpStream) -> None:
        begun_seconds, jumped_before = self._stream_seconds(), self._jumped_seconds
        seconds = first_seconds = begun_seconds - self._burst_seconds
        encoder = rtp.H264Encoder(self._size_hw)
        while True:
            seconds = await self._moment(seconds, begun_seconds)
            if encoder.size_hw != self._size_hw:
                encoder = rtp.H264Encoder(self._size_hw)
            unit = encoder.encode(self._picture(seconds, encoder.size_hw), seconds)
            if self._truncations.acquire(blocking=False):
                unit = unit[: len(unit) // 2]
            passed_seconds = seconds - first_seconds + self._jumped_seconds - jumped_before
            timestamp = self._first_timestamp + round(passed_seconds * rtp.CLOCK_HZ)
            await connection.send(stream.packets(rtp.h264_payloads(unit), timestamp))
            seconds = self._after(seconds)
