"""A camera that fails in the middle of events, while people look on and the broker is away."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.building import Built, build
from rtaction.serve.house.house import Query
from rtaction.serve.options import ServeOptions
from rtaction.serve.store.index import EventIndex
from tests.realtime.conftest import WAIT_SECONDS, command, environment
from tests.realtime.servers.fault_server import FaultServer
from tests.serve.place import SPEC, bright_picture, until
from tests.serve.sinks.mosquitto import free_port
from tests.tiny_model import write_tiny_model

_FAULTS = ("reset", "stall", "refuse", "hang_up")
# What is kept idle: readers of the index, connections of viewers, threads of pictures.
_MOST_IDLE = 12


@pytest.fixture
def camera() -> Iterator[FaultServer]:
    with FaultServer(picture=bright_picture) as one:
        yield one


@pytest.fixture
def options(tmp_path: Path, camera: FaultServer) -> ServeOptions:
    write_tiny_model(tmp_path / "tiny.onnx", SPEC)
    cameras = tmp_path / "cameras.toml"
    cameras.write_text(
        f'[[camera]]\nname = "Yard"\nurl = "{camera.url()}"\nread_timeout_seconds = 0.6\n'
        "[camera.actions]\nmin_seconds = 0.1\ncooldown_seconds = 0\n"
        f'[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        f'[[webhook]]\nurl = "http://127.0.0.1:{free_port()}/"\n'
    )
    return ServeOptions(cameras_file=cameras, folder=tmp_path / "kept", port=0)


@pytest.mark.parametrize("num_faults", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_reconnects_leave_nothing_behind(
    camera: FaultServer,
    options: ServeOptions,
    num_faults: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(BackOff, "wait_seconds", lambda *_, **__: 0.05)
    with ExitStack() as running:
        built = build(options, lambda path: ActionModel(path, device="cpu"), tmp_path / "tiny.onnx")
        house = built.house
        running.callback(house.close, 8.0)
        house.open()
        built.server.start()
        running.callback(built.server.stop)
        states = running.enter_context(looking_on(built))
        for fault in _FAULTS[:num_faults]:  # whatever is made once is made now
            fail(camera, built, fault)
        before = in_use()
        states.clear()
        for number in range(num_faults):
            fail(camera, built, _FAULTS[number % len(_FAULTS)])
        until(lambda: in_use() < before + _MOST_IDLE)
        assert states["ok"]
        assert states["down"]
        until(lambda: states["event start"] >= num_faults // 2)
        events = house.events(Query(limit=1000))
        assert len(events) >= num_faults
        assert len({one.id for one in events}) == len(events)
        assert all(one.ended_at for one in events[1:])
        sinks = {one["name"].split()[0]: one for one in house.machine()["sinks"]}
        assert sinks["mqtt"]["up"] is False
        assert sinks["webhook"]["waiting"] >= num_faults
        assert house.error is None
        assert house.is_alive()
    ended = [one for one in threading.enumerate() if one.name.startswith("rtaction-")]
    until(lambda: not [one for one in ended if one.is_alive()])


def fail(camera: FaultServer, built: Built, fault: str) -> None:
    """Let the camera fail while an event goes on, and come back."""
    house = built.house
    until(lambda: house.camera("yard").active)
    num_reconnects = house.camera("yard").num_reconnects
    getattr(camera, fault)()
    until(lambda: house.camera("yard").state != "ok")
    until(lambda: not house.camera("yard").active)
    camera.listen()
    camera.resume()
    until(lambda: house.camera("yard").num_reconnects > num_reconnects)


def in_use() -> int:
    """Threads, files and sockets of this process."""
    process = psutil.Process()
    files: int = getattr(process, "num_handles" if sys.platform == "win32" else "num_fds")()
    return threading.active_count() + files


@contextmanager
def looking_on(built: Built) -> Iterator[Counter[str]]:
    """Somebody who watches pictures, one who has stalled, and one who counts the news."""
    ended, states = threading.Event(), Counter[str]()

    def watch() -> None:
        path = f"{built.server.url}api/cameras/yard/stream.mjpg"
        with httpx.stream("GET", path, timeout=WAIT_SECONDS) as answer:
            for _ in answer.iter_bytes():
                if ended.is_set():
                    return

    def count() -> None:
        news = built.house.subscribe()
        while not ended.is_set():
            one = news.next(0.1)
            if one is not None and one.kind == "event":
                states[f"event {one.data['phase']}"] += 1
            elif one is not None and one.kind == "camera":
                states[one.data["state"]] += 1
        news.close()

    threads = [threading.Thread(target=one, daemon=True) for one in (watch, count)]
    with socket.create_connection(("127.0.0.1", built.server.port)) as stalled:
        stalled.sendall(
            b"GET /api/cameras/yard/stream.mjpg HTTP/1.1\r\n"
            b"Host: 127.0.0.1:%d\r\n\r\n" % built.server.port
        )
        for thread in threads:
            thread.start()
        yield states
        ended.set()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C of POSIX")
@pytest.mark.parametrize(
    "fault", ["stall", *(pytest.param(one, marks=pytest.mark.slow) for one in ("refuse", "none"))]
)
def test_ctrl_c_ends_it_in_any_state(
    camera: FaultServer, options: ServeOptions, tmp_path: Path, fault: str
) -> None:
    assert options.cameras_file is not None
    process = subprocess.Popen(
        command(
            *("serve", "--sources", options.cameras_file, "--model", tmp_path / "tiny.onnx"),
            *("--folder", options.folder, "--port", "0"),
        ),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ExitStack() as running:
        running.callback(process.communicate)
        running.callback(process.kill)
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found is not None
        url = found[0]
        until(lambda: httpx.get(f"{url}api/events").json()["events"])
        viewer = running.enter_context(socket.create_connection(("127.0.0.1", int(found[1]))))
        viewer.sendall(
            b"GET /api/cameras/yard/stream.mjpg HTTP/1.1\r\n"
            b"Host: 127.0.0.1:%s\r\n\r\n" % found[1].encode()
        )
        if fault != "none":
            getattr(camera, fault)()
            until(lambda: httpx.get(f"{url}api/cameras/yard").json()["state"] != "ok")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == 0
        assert "Traceback" not in err
    index = EventIndex(options.folder / "events.db")
    events = index.find(Query())
    index.close()
    assert events  # and what went on has ended, and is kept
    assert all(one.ended_at and one.clip and one.snapshot for one in events)
