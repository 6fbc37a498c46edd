"""A Ray cluster of several nodes on this machine's loopback, and a fleet that runs on it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from rtaction.cluster.connection import import_ray
from rtaction.cluster.fleet.fleet import Fleet
from rtaction.cluster.fleet.options import FleetOptions
from rtaction.cluster.fleet.run import run_fleet
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.source import Source

_NODE = {"node_ip_address": "127.0.0.1", "object_store_memory": 80_000_000}
_WAIT_SECONDS = 120.0


def until(happened: Callable[[], object], what: str) -> None:
    """Wait for something that may take long on a busy machine."""
    deadline_seconds = time.monotonic() + _WAIT_SECONDS
    while not happened():
        assert time.monotonic() < deadline_seconds, f"waited in vain for: {what}"
        time.sleep(0.05)


class LocalCluster:
    """A head without cores, and nodes of one core each."""

    def __init__(self) -> None:
        # As for a local Ray, see `connected`; another test may have imported it before.
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        ray = import_ray("a test")
        self._patch.setattr(ray._private.ray_constants, "ENABLE_RAY_CLUSTER", False)
        from ray.cluster_utils import Cluster

        head = _NODE | {"num_cpus": 0, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._nodes: dict[str, Any] = {}

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    @property
    def session_folder(self) -> Path:
        """All that Ray writes: logs, sockets, what is spilled."""
        return Path(self._cluster.head_node.get_session_dir_path())

    def add(self) -> str:
        node = self._cluster.add_node(num_cpus=1, **_NODE)
        self._nodes[node.node_id] = node
        return str(node.node_id)

    def kill(self, node: str) -> None:
        self._cluster.remove_node(self._nodes.pop(node), allow_graceful=False)

    def drain(self, node: str) -> None:
        """Say that a node is to go, as `ray drain-node` does."""
        import ray._raylet
        from ray.core.generated import autoscaler_pb2

        reason = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
        deadline_ms = round((time.time() + 600) * 1000)
        is_accepted, why_not = ray._raylet.GcsClient(address=self.address).drain_node(
            node, reason, "a test", deadline_ms
        )
        assert is_accepted, why_not

    def written(self) -> Iterator[tuple[str, bytes]]:
        """All that Ray has written: its logs, what is spilled, and the object stores."""
        for path in self.session_folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
        for process in self._processes("raylet"):
            for number in (Path("/proc") / str(process.pid) / "fd").iterdir():
                with suppress(OSError):  # closed meanwhile
                    if "plasma" in str(number.readlink()) and "socket" not in str(number):
                        yield f"object store of {process.pid}", number.read_bytes()

    def remembered(self) -> bytes:
        """The memory of the cluster's head: nodes, actors, jobs, tasks, its table of keys."""
        parts = []
        (head,) = self._processes("gcs_server")
        folder = Path("/proc") / str(head.pid)
        with (folder / "mem").open("rb", buffering=0) as memory:
            for line in (folder / "maps").read_text(encoding="utf-8").splitlines():
                span, rights, *_ = line.split()
                start, end = (int(one, 16) for one in span.split("-"))
                if rights.startswith("rw") and end - start < 1 << 28:
                    memory.seek(start)
                    with suppress(OSError):
                        parts.append(memory.read(end - start))
        return b"".join(parts)

    def _processes(self, name: str) -> list[psutil.Process]:
        session = str(self.session_folder)
        return [
            one
            for one in psutil.process_iter(["name", "cmdline"])
            if one.info["name"] == name
            and any(session in word for word in one.info["cmdline"] or ())
        ]

    def workers(self) -> list[int]:
        """The processes of workers."""
        return [
            one.pid
            for one in psutil.process_iter(["cmdline"])
            if any("WorkerActor" in word for word in one.info["cmdline"] or ())
        ]

    def close(self) -> None:
        self._cluster.shutdown()
        self._patch.undo()


class RunningFleet:
    """A fleet that runs in a thread of this process."""

    def __init__(
        self,
        options: FleetOptions,
        model: Path,
        open_with: Callable[[Camera], Source],
    ) -> None:
        self.fleet: Fleet | None = None
        self.error: BaseException | None = None
        self._options, self._model, self._open_with = options, model, open_with
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def states(self) -> dict[str, str]:
        """The state of each camera."""
        self._raise()
        views = [] if self.fleet is None else self.fleet.house.cameras()
        return {view.id: view.state for view in views}

    def nodes(self) -> dict[str, str]:
        """The start of the id of the node that watches each camera; only of those watched."""
        assert self.fleet is not None
        found = {camera: self.fleet.dispatcher.state(camera) for camera in self.states()}
        return {
            camera: str(worker).partition("/")[2].partition("-")[0]
            for camera, (state, worker) in found.items()
            if state == "watched"
        }

    def loads(self) -> dict[str, int]:
        """The workers, each with the number of its cameras."""
        assert self.fleet is not None
        return dict(self.fleet.dispatcher.loads())

    def lines(self, kind: str, **fields: object) -> list[dict[str, Any]]:
        """The lines that it has written."""
        self._raise()
        return lines_of(Path(str(self._options.output)), kind, **fields)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(_WAIT_SECONDS)
        assert not self._thread.is_alive()
        self._raise()

    def _run(self) -> None:
        def on_step(fleet: Fleet) -> None:
            self.fleet = fleet

        try:
            run_fleet(
                self._options,
                self._model,
                open_with=self._open_with,
                on_ready=lambda line: None,
                on_step=on_step,
                stop=self._stop,
            )
        except BaseException as error:
            self.error = error

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error


def lines_of(path: Path, kind: str, **fields: object) -> list[dict[str, Any]]:
    """The lines of a kind in a file, with these values."""
    texts = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines = [json.loads(text) for text in texts if text.endswith("}")]
    return [
        line
        for line in lines
        if line["type"] == kind and all(line[key] == value for key, value in fields.items())
    ]
