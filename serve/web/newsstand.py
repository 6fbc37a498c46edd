"""One subscription to a house for all who read its news, and none if nobody does."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any

from rtaction.redaction import scrub
from rtaction.serve.house.house import House, Subscription

MAX_WAITING = 256
_CAMERAS_SECONDS = 0.5
_MACHINE_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Reader:
    """News that wait for one reader, as texts ready to be sent.

    One who is too slow misses some, and is told how many.
    """

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)
        self._num_missed = 0

    def put(self, text: str) -> None:
        """Add news; to be called in the reader's event loop."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self._num_missed += 1

    async def next(self, timeout_seconds: float) -> str | None:
        """The next, None if there is none in this time, or "" after the last."""
        if self._num_missed and self._waiting.qsize() < MAX_WAITING // 2:
            num_missed, self._num_missed = self._num_missed, 0
            return event_text("missed", {"missed": num_missed})
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._waiting.get()
        except TimeoutError:
            return None


class Newsstand:
    """Passes a house's news on to readers, and every half second how all cameras are.

    Args:
        house: whose news.
        num_viewers: told as "viewers" in the news of the machine.
    """

    def __init__(self, house: House, num_viewers: Callable[[], int]) -> None:
        self._house = house
        self._num_viewers = num_viewers
        self._readers: set[Reader] = set()
        self._stop: threading.Event | None = None

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader, while it is used; to be called in an event loop."""
        one = Reader()
        self._readers.add(one)
        if self._stop is None:
            self._stop = threading.Event()
            threading.Thread(
                target=self._listen,
                args=(self._stop, asyncio.get_running_loop()),
                name="news",
                daemon=True,
            ).start()
        try:
            yield one
        finally:
            self._readers.discard(one)
            if not self._readers and self._stop is not None:
                self._stop.set()
                self._stop = None

    def end(self) -> None:
        """Tell all readers that there is no more."""
        for reader in self._readers:
            reader.put("")
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def _listen(self, stop: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread of its own, as a house may keep its caller waiting."""
        try:
            with closing(self._house.subscribe()) as news:
                self._pass_all_on(news, stop, loop)
        except Exception as error:
            if loop.is_closed():
                return  # the server has ended meanwhile
            # Readers come again, and find a house that works or the same again.
            _log.error("the page's news have ended: %s", scrub(f"{error!r}", ()))
            loop.call_soon_threadsafe(self.end)

    def _pass_all_on(
        self, news: Subscription, stop: threading.Event, loop: asyncio.AbstractEventLoop
    ) -> None:
        cameras_at = machine_at = 0.0
        num_missed = 0
        while not stop.is_set():
            now = monotonic()
            if now >= cameras_at:
                cameras_at = now + _CAMERAS_SECONDS
                cameras = [view.to_dict() for view in self._house.cameras()]
                self._pass_on(loop, "cameras", {"cameras": cameras})
            if now >= machine_at:
                machine_at = now + _MACHINE_SECONDS
                machine = {**self._house.machine(), "viewers": self._num_viewers()}
                self._pass_on(loop, "machine", machine)
            one = news.next(max(cameras_at - monotonic(), 0.0))
            if news.num_missed > num_missed:
                self._pass_on(loop, "missed", {"missed": news.num_missed - num_missed})
                num_missed = news.num_missed
            if one is not None and one.kind != "machine":
                self._pass_on(loop, one.kind, one.data)

    def _pass_on(self, loop: asyncio.AbstractEventLoop, kind: str, data: Any) -> None:
        text = event_text(kind, data)
        loop.call_soon_threadsafe(self._put, text)

    def _put(self, text: str) -> None:
        for reader in self._readers:
            reader.put(text)


def event_text(kind: str, data: Any) -> str:
    """One server-sent event; see https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
