"""An RTSP camera whose faults are steered by the test.

There is no RTCP and no sound. How pictures become packets is not known here; see
rtp.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from tests.realtime.servers import rtp
from tests.realtime.servers.rtp import Login, Picture, Request
from tests.realtime.servers.steered_server import HOST, Connection, SteeredServer


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
        transport: Literal["tcp", "udp"] = "tcp",
        refusal: int = 461,
        sends: bool = True,
    ) -> None:
        super().__init__(size_hw, frames_per_second, picture, Login(user, password, auth))
        self.num_plays = 0
        self.transports_asked: list[str] = []
        self._transport: str = transport
        self._refusal = refusal
        self._sends = sends
        self._datagrams: asyncio.DatagramTransport | None = None
        self._burst_seconds = burst_seconds
        self._first_timestamp = first_rtp_timestamp
        self._jumped_seconds = 0.0

    def change_transport(self, transport: Literal["tcp", "udp", "none"]) -> None:
        """Offer the stream by another transport to those who ask from now on."""
        self._transport = transport

    def jump_clock(self, seconds: float) -> None:
        """Shift the RTP timestamps of the streams that run, forwards or (negative) backwards."""
        self._jumped_seconds += seconds

    async def _serve(self, connection: Connection) -> None:
        stream, playing = rtp.RtpStream(), None
        while True:
            request = await rtp.read_request(connection.reader)
            self.num_plays += request.method == "PLAY"
            if request.method == "SETUP":
                self.transports_asked.append("tcp" if request.ports is None else "udp")
            status = self._status(request)
            info = f"seq={stream.next_sequence};rtptime={self._first_timestamp}"
            port = await self._port_to_send_from() if self._transport == "udp" else None
            await connection.send(rtp.rtsp_answer(request, status, self._login, info, port))
            if status == 200 and request.method == "SETUP":
                stream.channel = request.channel or 0
                stream.port = request.ports[0] if request.ports else None
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
        wanted = "udp" if request.channel is None else "tcp"
        is_refused = request.method == "SETUP" and wanted != self._transport
        return self._refusal if is_refused else 200

    async def _port_to_send_from(self) -> int:
        if self._datagrams is None:
            self._datagrams, _ = await self.loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=(HOST, 0)
            )
        return int(self._datagrams.get_extra_info("sockname")[1])

    async def _send(
        self, connection: Connection, stream: rtp.RtpStream, packets: list[bytes]
    ) -> None:
        if stream.port is None:
            await connection.send(stream.framed(packets))
            return
        await self.flowing.wait()
        assert self._datagrams is not None
        for packet in packets if self._sends else ():
            self._datagrams.sendto(packet, (HOST, stream.port))

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
            await self._send(connection, stream, stream.packets(rtp.h264_payloads(unit), timestamp))
            seconds = self._after(seconds)
