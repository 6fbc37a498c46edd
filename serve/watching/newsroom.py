"""News for those who look on; nobody waits for a slow one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

from rtaction.serve.house.house import News, NewsKind

_MOST_WAITING = 256


class Newsroom:
    """Passes news on to all who look on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: list[Reader] = []

    @property
    def has_readers(self) -> bool:
        """Whether anybody looks on; otherwise no news need be made."""
        return bool(self._readers)

    @property
    def num_readers(self) -> int:
        """How many look on."""
        return len(self._readers)

    def subscribe(self) -> Reader:
        """News from now on, until the reader is closed."""
        reader = Reader(self._leave)
        with self._lock:
            self._readers.append(reader)
        return reader

    def tell(self, kind: NewsKind, data: Mapping[str, Any]) -> None:
        """Tell all; it does not wait."""
        news = News(kind, data)
        for reader in tuple(self._readers):
            reader.put(news)

    def _leave(self, reader: Reader) -> None:
        with self._lock:
            if reader in self._readers:
                self._readers.remove(reader)


class Reader:
    """One who looks on; see `rtaction.serve.house.house.Subscription`."""

    def __init__(self, leave: Callable[[Reader], None]) -> None:
        self._leave = leave
        self._waiting: queue.Queue[News] = queue.Queue(_MOST_WAITING)
        self._num_missed = 0

    @property
    def num_missed(self) -> int:
        """News that were left out because too many waited."""
        return self._num_missed

    def put(self, news: News) -> None:
        """Add news, in place of the oldest if there are too many."""
        while True:
            try:
                self._waiting.put_nowait(news)
                return
            except queue.Full:
                self._num_missed += 1
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                continue  # the reader took it

    def next(self, timeout_seconds: float) -> News | None:
        """The next, or None if there is none in this time."""
        try:
            return self._waiting.get(timeout=timeout_seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """No more."""
        self._leave(self)
