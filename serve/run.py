"""`rtaction serve`: from options to a house, its sinks and its page."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtaction.errors import RtactionError
from rtaction.evaluation.text import counted
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.signals import signals
from rtaction.serve import systemd
from rtaction.serve.options import ServeOptions

if TYPE_CHECKING:
    from rtaction.serve.watching.watchman import Watchman

_LOOK_SECONDS = 0.25
_CLOSE_SECONDS = 8.0
_log = logging.getLogger(__name__)


def run_serve(
    options: ServeOptions,
    model: Path,
    *,
    device: str = "auto",
    on_ready: Callable[[str], Any] = print,
    stop: threading.Event | None = None,
) -> None:
    """Watch and serve until Ctrl-C or SIGTERM; SIGHUP reads the file of cameras anew.

    Args:
        options: what to watch and where to serve it.
        model: of cameras that have none of their own.
        device: see `ActionModel`. Default "auto".
        on_ready: called with a line for a person once the page can be seen.
        stop: ends the run when it is set. Default: only signals do.

    Raises:
        RtactionError: see `rtaction.errors`.
    """
    from rtaction.serve.building import build

    stop, reread = stop or threading.Event(), threading.Event()
    with ExitStack() as stack:
        stack.enter_context(signals(stop, {"SIGHUP": reread}))
        built = build(options, lambda path: ActionModel(path, device=device), model)
        house, server = built.house, built.server
        stack.callback(built.school.close)
        stack.callback(house.close, _CLOSE_SECONDS)
        house.open()
        server.start()
        stack.callback(server.stop)
        stack.callback(systemd.notify, "STOPPING=1")
        on_ready(f"{counted(len(house.cameras()), 'camera')} at {server.url}")
        systemd.notify("READY=1", f"STATUS={server.url}")
        _watch_over(house, stop, reread)


def _watch_over(house: Watchman, stop: threading.Event, reread: threading.Event) -> None:
    every_seconds = systemd.watchdog_seconds()
    told_seconds = 0.0
    while not stop.wait(_LOOK_SECONDS):
        if house.error is not None:
            raise house.error
        if reread.is_set():
            reread.clear()
            systemd.reloading()
            try:
                house.reload()
            except RtactionError as error:
                _log.warning("the cameras are watched on as before: %s", error)
            systemd.notify("READY=1")
        now = time.monotonic()
        if (
            every_seconds is not None
            and now - told_seconds > every_seconds / 3
            and house.is_alive()
        ):
            told_seconds = now
            systemd.notify("WATCHDOG=1")
