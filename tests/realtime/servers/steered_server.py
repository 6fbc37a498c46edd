"""A server whose faults are steered by the test, on real sockets.

What it serves is not known here; fault_server.py serves RTSP, stream_server.py HTTP.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self, cast
from urllib.parse import quote
from weakref import WeakSet

from tests.realtime.servers.rtp import Login, Picture

Task = asyncio.Task[None]

HOST = "127.0.0.1"
CONTROL_SECONDS = 10.0
MAX_LATE_SECONDS = 2.0  # What a slow line or a slow machine makes later is left out.
_CHUNK_BYTES = 65_536


class Connection(asyncio.Protocol):
    """One client: what it says lies in `reader`, and what it is sent obeys the server's faults."""

    def __init__(self, server: SteeredServer) -> None:
        self.reader = asyncio.StreamReader()
        self.tasks: set[Task] = set()
        self._server = server
        self._gone = asyncio.Event()
        self._sending = asyncio.Lock()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # With nothing kept back here, a stall holds from the moment it is called.
        self._transport.set_write_buffer_limits(high=0)
        self._server.made(self)

    def data_received(self, data: bytes) -> None:
        self.reader.feed_data(data)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        for task in self.tasks:
            task.cancel()
        self._gone.set()
        self._server.open.discard(self)

    async def send(self, data: bytes) -> None:
        """Send all of it, as fast as the faults and the client allow."""
        async with self._sending:
            at = 0
            while at < len(data) and not self._transport.is_closing():
                await self._server.flowing.wait()
                if self in self._server.mute:
                    await asyncio.Future()
                rate = self._server.max_bytes_per_second
                step = _CHUNK_BYTES if rate is None else max(round(rate / 20), 1)
                chunk = data[at : at + step]
                self._transport.write(chunk)
                at += step
                await self._writable.wait()
                if rate is not None:
                    await asyncio.sleep(len(chunk) / rate)

    def close(self) -> None:
        """Close it once all is sent."""
        self._transport.close()

    async def end(self, *, reset: bool) -> None:
        """Close it at once, with RST or with FIN."""
        if reset:
            link: socket.socket = self._transport.get_extra_info("socket")
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
        await self._gone.wait()


class SteeredServer(ABC):
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

    def change_login(self, user: str, password: str) -> None:
        """Ask for another name and password from the next request on."""
        self._login = replace(self._login, user=user, password=password)

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

    @abstractmethod
    async def _serve(self, connection: Connection) -> None:
        """Answer one client until there is no more to say."""

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
