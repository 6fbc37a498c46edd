"""Signals of the operating system as requests that a run looks at when it can."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals(stop: threading.Event, requests: Mapping[str, threading.Event]) -> Iterator[None]:
    """Turn Ctrl-C and termination into a request to stop, so that output files are completed.

    A second one ends the run at once. On another thread than the main one, nothing is changed.

    Args:
        stop: set by Ctrl-C and SIGTERM.
        requests: set by other signals, by their names, such as "SIGUSR1", where the platform has
            them.
    """

    def on_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt  # second request: stop at once
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[int, Any] = dict.fromkeys(_STOP_SIGNALS, on_stop)
    for name, request in requests.items():
        if hasattr(signal, name):
            handlers[getattr(signal, name)] = lambda *_, request=request: request.set()
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
