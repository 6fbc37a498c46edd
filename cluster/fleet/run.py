"""`rtaction fleet`: from options to workers on a Ray cluster, and the sinks of their events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rtaction.cluster.connection import connected
from rtaction.cluster.fleet.cost import Costs
from rtaction.cluster.fleet.dispatcher import DEADLINE_SECONDS
from rtaction.cluster.fleet.fleet import Fleet
from rtaction.cluster.fleet.house import FleetHouse
from rtaction.cluster.fleet.lines import Lines
from rtaction.cluster.fleet.options import FleetOptions
from rtaction.cluster.fleet.placement import Need
from rtaction.cluster.fleet.plan import FleetPlan, read_plan
from rtaction.errors import extra_missing
from rtaction.evaluation.text import counted
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.signals import signals
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.sources.source import Source
from rtaction.serve.house.house import Sink
from rtaction.serve.sinks.metrics import Metrics
from rtaction.serve.sinks.open import open_sinks
from rtaction.serve.store.folder_lock import FolderLock, made_folder
from rtaction.serve.store.index import EventIndex
from rtaction.serve.watching.restart import complete_what_was_cut

_CLOSE_SECONDS = 8.0
# A camera costs most where it is decoded; what is told by a person is not split further.
_NO_SHARE = 0.0


def run_fleet(
    options: FleetOptions,
    model: Path,
    *,
    device: str = "auto",
    on_ready: Callable[[str], Any] = print,
    on_step: Callable[[Fleet], Any] = lambda fleet: None,
    stop: threading.Event | None = None,
    open_with: Callable[[Camera], Source] = open_source,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> None:
    """Watch the cameras of a file by the machines of a Ray cluster, until Ctrl-C or SIGTERM.

    Args:
        options: what to watch, where, and who is told.
        model: of cameras that have none of their own.
        device: of workers with a GPU, see `ActionModel`. Default "auto".
        on_ready: called with a line for a person once the cluster is joined.
        on_step: called some ten times a second.
        stop: ends the run when it is set. Default: only signals do.
        open_with: opens a camera, on the machine that watches it. Default `open_source`.
        deadline_seconds: a worker that does not answer for as long is taken for dead. Default 4.

    Raises:
        RtactionError: see `rtaction.errors`.
    """
    try:
        import nacl  # noqa: F401
    except ImportError as error:
        raise extra_missing("rtaction fleet", "ray", error) from None
    stop = stop or threading.Event()
    plan = read_plan(options.cameras_file, model)
    folder = made_folder(options.folder)
    with ExitStack() as stack:
        lock = FolderLock(folder)
        stack.callback(lock.close)
        index = EventIndex(folder / "events.db")
        stack.callback(index.close)
        lines = Lines(options.output)
        metrics = None if options.metrics_port is None else Metrics()
        sinks = _sinks(plan, options, lines, metrics)
        cut = complete_what_was_cut(index, None, lock.last_alive)
        need = None
        if options.cores_per_camera is not None:
            need = Need(options.cores_per_camera, _NO_SHARE)
        fleet = Fleet(
            plan,
            Costs(folder / "costs.json"),
            lambda made: FleetHouse(plan, sinks, index, made.figures),
            need=need,
            deadline_seconds=deadline_seconds,
        )
        told = _told(metrics, options, stack)
        ray = stack.enter_context(connected(options.ray, log_to_driver=False))
        stack.enter_context(signals(stop, {}))  # after Ray, which has its own answer to SIGTERM
        fleet.house.open()
        stack.callback(fleet.house.close, _CLOSE_SECONDS)
        fleet.hire(
            ray,
            cores_per_worker=options.cores_per_worker,
            device=device,
            open_with=open_with,
            deadline_seconds=deadline_seconds,
        )
        stack.callback(fleet.close, _CLOSE_SECONDS)
        fleet.resume(cut)
        on_ready(f"{counted(len(plan.cameras), 'camera')} on Ray, {options.ray}{told}")
        while not stop.is_set():
            fleet.step()
            lock.beat()
            on_step(fleet)
            if lines.error is not None:
                raise lines.error


def _told(metrics: Metrics | None, options: FleetOptions, stack: ExitStack) -> str:
    """Serve metrics, if they are asked for; returns where, for a person."""
    if metrics is None or options.metrics_port is None:
        return ""
    port = stack.enter_context(metrics.served(options.metrics_port))
    return f"; metrics at http://127.0.0.1:{port}/metrics"


def _sinks(
    plan: FleetPlan, options: FleetOptions, lines: Lines, metrics: Metrics | None
) -> list[Sink]:
    where = str(options.cameras_file)
    sinks = open_sinks(dict(plan.tables), where=where, folder=options.folder)
    return [*sinks, lines, *([] if metrics is None else [metrics])]
