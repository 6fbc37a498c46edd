"""A sink's own thread, its bounded queue, and what became of what it was given.

This module knows neither events nor servers.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from rtaction.printable import printable
from rtaction.redaction import scrub
from rtaction.serve.house.house import SinkView

Item = TypeVar("Item")
_log = logging.getLogger(__name__)


class Counts:
    """Whether a sink works, and what became of what it was given; for any thread.

    Args:
        name: for a person, without a password.
        secrets: what no reason may contain, see `rtaction.redaction.scrub`.
        quiet_seconds: the same reason is not logged again within this time, however often the sink
            works and fails. Default 60.
    """

    def __init__(
        self, name: str, secrets: Iterable[str] = (), *, quiet_seconds: float = 60.0
    ) -> None:
        self.name = name
        self._quiet_seconds = quiet_seconds
        self._logged: tuple[str, float] | None = None
        self._secrets = frozenset(secrets)
        self._is_up: bool | None = None
        self._reason = ""
        self._num_sent = 0
        self._num_missed = 0
        self._lock = threading.Lock()

    def sent(self, number: int = 1) -> None:
        """The sink works, and took this many."""
        with self._lock:
            self._num_sent += number
            was_up, self._is_up, self._reason = self._is_up, True, ""
        if was_up is False:
            _log.info("%s works again", self.name)

    def failed(self, reason: str) -> None:
        """The sink does not work; a new reason is logged once."""
        reason = printable(scrub(reason, self._secrets))
        now_seconds = time.monotonic()
        with self._lock:
            is_news = self._is_up is not False or reason != self._reason
            if self._logged is not None and self._logged[0] == reason:
                is_news &= now_seconds - self._logged[1] >= self._quiet_seconds
            if is_news:
                self._logged = (reason, now_seconds)
            self._is_up, self._reason = False, reason
        if is_news:
            _log.warning("%s: %s", self.name, reason)

    def missed(self, number: int = 1) -> None:
        """The sink will never get this many."""
        with self._lock:
            self._num_missed += number

    def view(self, num_waiting: int) -> SinkView:
        """How the sink is, with this many that are kept to be sent later."""
        with self._lock:
            return SinkView(
                name=self.name,
                is_up=self._is_up,
                reason=self._reason,
                num_sent=self._num_sent,
                num_waiting=num_waiting,
                num_missed=self._num_missed,
            )


class Worker(Generic[Item]):
    """Works off a queue in a thread of its own; who puts something in never waits.

    Args:
        name: of the thread.
        handle: works off one; called in the thread, one at a time and in order. An exception is a
            mistake of this program: it is logged without its text, and the next follows.
        max_waiting: what the queue holds. Default 1000.
        on_left_out: called with the oldest, if it has to make room. Default: nobody is told.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Item], None],
        *,
        max_waiting: int = 1000,
        on_left_out: Callable[[Item], None] = lambda item: None,
    ) -> None:
        self._handle = handle
        self._max_waiting = max_waiting
        self._on_left_out = on_left_out
        self._items: deque[Item] = deque()
        self._is_busy = False
        self._is_closing = False
        self._changed = threading.Condition()
        # A daemon: a server that hangs must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; what was put in before is worked off then."""
        self._thread.start()

    def put(self, item: Item) -> None:
        """Add one to the queue."""
        with self._changed:
            if self._is_closing:
                left_out: list[Item] = [item]
            else:
                self._items.append(item)
                is_full = len(self._items) > self._max_waiting
                left_out = [self._items.popleft()] if is_full else []
                self._changed.notify_all()
        for one in left_out:
            self._on_left_out(one)

    @property
    def num_waiting(self) -> int:
        """What is in the queue or being worked off."""
        with self._changed:
            return len(self._items) + self._is_busy

    def pause(self, seconds: float) -> bool:
        """Let the thread wait, for `handle`.

        Returns:
            False if the worker is closing, which ends the wait.
        """
        with self._changed:
            return not self._changed.wait_for(lambda: self._is_closing, seconds)

    @property
    def is_alive(self) -> bool:
        """Whether the thread has begun and not ended."""
        return self._thread.is_alive()

    def close(self, timeout_seconds: float) -> list[Item]:
        """Work off what is in the queue, for at most this time.

        Returns:
            What was not even begun.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
        with self._changed:
            left, self._items = list(self._items), deque()
        return left

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._is_closing)
                if not self._items:
                    return
                item = self._items.popleft()
                self._is_busy = True
            try:
                self._handle(item)
            except Exception as error:  # its text may contain anything
                at = traceback.extract_tb(error.__traceback__)[-1]
                _log.error(
                    "%s: %s in %s, line %s",
                    *(self._thread.name, type(error).__name__, at.filename, at.lineno),
                )
            with self._changed:
                self._is_busy = False
