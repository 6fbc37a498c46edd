"""Tell sinks, whatever one of them does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from rtaction.serve.house.house import Sink

_log = logging.getLogger(__name__)


def tell_sinks(sinks: Sequence[Sink], tell: Callable[[Sink], Any]) -> None:
    """Tell all of something; a mistake of one is logged, and ends neither the others nor the
    watching."""
    for sink in sinks:
        try:
            tell(sink)
        except Exception as error:  # its text may contain anything
            _log.error("%s: %s", sink.view().name, type(error).__name__)
            _log.debug("its traceback", exc_info=True)


def close_sinks(sinks: Sequence[Sink], timeout_seconds: float) -> None:
    """Close all at the same time, so that each has this time and all together no more."""
    deadline_seconds = time.monotonic() + timeout_seconds
    closing = [
        threading.Thread(
            target=tell_sinks,
            args=([sink], lambda one: one.close(timeout_seconds)),
            name="rtaction-closing",
            daemon=True,
        )
        for sink in sinks
    ]
    for thread in closing:
        thread.start()
    for thread in closing:
        # A little longer: what a sink itself ends in time shall have ended.
        thread.join(max(deadline_seconds + 0.5 - time.monotonic(), 0.0))
