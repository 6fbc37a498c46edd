"""Waiting for what comes soon on a machine that is not busy."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_SECONDS = 15.0


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail if it never does."""
    end = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
