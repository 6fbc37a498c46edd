"""An RTSP camera whose faults are steered by the test, on real sockets.

`SteeredServer` is what it shares with the HTTP server of stream_server.py. There is no RTP over
UDP, no RTCP and no sound. How pictures become packets is not known here; see rtp.py.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal, Self
from urllib.parse import quote
from weakref import WeakSet

from tests.realtime import rtp
from tests.realtime.rtp import Connection, Login, Picture, Request, Task

HOST = "127.0.0.1"
CONTROL_SECONDS = 10.0
MAX_LATE_SECONDS = 2.0  # What a slow line or a slow machine makes later is left out.


class SteeredServer:
    """A server on 127.0.0.1, in a thread of its own, that shows made pictures and fails on demand.

    Leaving its context raises what went wrong in it. What a method does has happened when it
    returns. Stream time counts from `started_at_seconds` (monotonic), the same for all clients.
    """

    scheme = ""

    def __init__(
        self,
        size_hw: tuple[int, int],
        frames_per_second: float | Callable[[], float],
        picture: Picture,
        login: Login,
    ) -> None:
        self.port = _free_port()
        self.started_at_seconds = time.monotonic()
        self.loop = asyncio.new_event_loop()
        self.open: set[Connection] = set()
        self.mute: WeakSet[Connection] = WeakSet()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.max_bytes_per_second: float | None = None
        self._size_hw, self._rate, self._picture = size_hw, frames_per_second, picture
        self._login = login
        self.connection_times: list[float] = []
        self._errors: list[BaseException] = []
        self._listener: asyncio.Server | None = None
        self._swallows, self._resumed_seconds = False, 0.0
        self._truncations = threading.Semaphore(0)
        self._thread = threading.Thread(
            target=self.loop.run_forever, name="fault-server", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all, and raise what went wrong in the server. Closing twice does nothing."""
        if not self.loop.is_closed():
            self.refuse()
            self._do(self._cancel_tasks)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()
            if self._errors:
                raise self._errors[0]

    @property
    def num_connections(self) -> int:
        """Connections ever made, at `connection_times` in monotonic seconds; `open` now stand."""
        return len(self.connection_times)

    def url(self, user: str | None = None, password: str | None = None, path: str = "/live") -> str:
        """The address of a path: with the server's own login, with another, or ("") with none."""
        if user is None:
            user, password = self._login.user, self._login.password
        login = f"{quote(user, '')}:{quote(password or '', '')}@" if user else ""
        return f"{self.scheme}://{login}{HOST}:{self.port}{path}"

    def stall(self) -> None:
        """Send nothing until `resume`, not even answers; sockets stay open, requests wait."""
        self._do(self.flowing.clear)

    def blackhole(self) -> None:
        """Like a pulled cable: the connections of now, and of until `resume`, are mute for good."""
        self._swallows = True
        self._do(lambda: self.mute.update(self.open))

    def resume(self) -> None:
        """End `stall` and `blackhole`; the pictures of a stall were never taken."""
        self._swallows, self._resumed_seconds = False, self._stream_seconds()
        self._do(self.flowing.set)

    def reset(self) -> None:
        """End all connections with RST."""
        self._do(lambda: self._end_all(reset=True))

    def hang_up(self) -> None:
        """End all connections with FIN."""
        self._do(lambda: self._end_all(reset=False))

    def refuse(self) -> None:
        """End all connections and refuse new ones until `listen`."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._do(listener.close)
        self.hang_up()

    def listen(self) -> None:
        """Take connections (again), always on the same port."""
        if self._listener is None:
            self._do(self._listen)

    def show(self, picture: Picture) -> None:
        """Make the pictures in another way from the next one on."""
        self._picture = picture

    def change_size(self, size_hw: tuple[int, int]) -> None:
        """Show pictures of another size from the next one on, announced in the stream alone."""
        self._size_hw = size_hw

    def truncate_next(self, n: int = 1) -> None:
        """Leave out the second half of the next `n` pictures' bytes, counted over all clients."""
        self._truncations.release(n)

    def slow_send(self, bytes_per_second: float | None) -> None:
        """Send to each client at this rate at most; None is no limit."""
        self.max_bytes_per_second = bytes_per_second

    def made(self, connection: Connection) -> None:
        self.connection_times.append(time.monotonic())
        self.open.add(connection)
        if self._swallows:
            self.mute.add(connection)
        if self._listener is None:
            # It was taken while `refuse` was at work.
            connection.close()
        else:
            serving = self._start(self._serve(connection), connection.tasks)
            serving.add_done_callback(lambda _: connection.close())

    def _do(self, control: Callable[[], Any]) -> None:
        async def run() -> None:
            result = control()
            if inspect.isawaitable(result):
                await result

        asyncio.run_coroutine_threadsafe(run(), self.loop).result(CONTROL_SECONDS)

    async def _listen(self) -> None:
        self._listener = await self.loop.create_server(lambda: Connection(self), HOST, self.port)

    async def _end_all(self, *, reset: bool) -> None:
        await asyncio.gather(*(connection.end(reset=reset) for connection in self.open))

    async def _cancel_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None], group: set[Task]) -> Task:
        def ended(task: Task) -> None:
            group.discard(task)
            error = None if task.cancelled() else task.exception()
            # A client that leaves is nothing to report.
            if error is not None and not isinstance(error, asyncio.IncompleteReadError):
                self._errors.append(error)
                for connection in self.open:
                    connection.close()

        task = self.loop.create_task(work)
        group.add(task)
        task.add_done_callback(ended)
        return task

    async def _serve(self, connection: Connection) -> None:
        raise NotImplementedError

    def _stream_seconds(self) -> float:
        return time.monotonic() - self.started_at_seconds

    def _after(self, seconds: float) -> float:
        return seconds + (self._rate() if callable(self._rate) else 1.0 / self._rate)

    async def _moment(self, seconds: float, begun_seconds: float) -> float:
        """Wait for the picture of `seconds`, or where that is past or of a stall, a later one."""
        await asyncio.sleep(max(seconds - self._stream_seconds(), 0.0))
        await self.flowing.wait()
        # What is older than its stream is due at once.
        earliest_seconds = max(self._stream_seconds() - MAX_LATE_SECONDS, self._resumed_seconds)
        if max(seconds, begun_seconds) >= earliest_seconds:
            return seconds
        while seconds < self._stream_seconds():
            seconds = self._after(seconds)
        return await self._moment(seconds, begun_seconds)


def _free_port() -> int:
    # Below the range that systems give to clients, so that nobody is given it while we refuse.
    while True:
        port = random.SystemRandom().randint(20_000, 32_000)
        with suppress(OSError), socket.create_server((HOST, port)):
            return port


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
