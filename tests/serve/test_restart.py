"""A service that is killed in the middle of an event, and started again; and two in one folder."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from tests.realtime.conftest import WAIT_SECONDS, command, environment
from tests.realtime.servers.fault_server import FaultServer
from tests.serve.place import SPEC, bright_picture, until
from tests.serve.sinks.mosquitto import Mosquitto, Onlooker
from tests.tiny_model import write_tiny_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9")


class Home:
    """A folder, a broker, a camera, and services that run there one after the other."""

    def __init__(self, folder: Path, broker: Mosquitto, camera: FaultServer) -> None:
        self.folder = folder
        self.model = write_tiny_model(folder / "tiny.onnx", SPEC)
        self.cameras = folder / "cameras.toml"
        self.cameras.write_text(
            f'[[camera]]\nname = "Yard"\nurl = "{camera.url()}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n'
        )
        self.processes: list[subprocess.Popen[str]] = []
        self.url = ""

    def spawn(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(
                *("serve", "--sources", self.cameras, "--model", self.model, "--port", "0"),
                *("--folder", self.folder / "kept"),
            ),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def start(self) -> subprocess.Popen[str]:
        process = self.spawn()
        line = process.stdout.readline() if process.stdout else ""
        found = re.fullmatch(r"1 camera at (http://127\.0\.0\.1:\d+/)\n", line)
        assert found, (line, process.stderr.read() if process.stderr else "")
        self.url = found[1]
        return process

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=WAIT_SECONDS).raise_for_status()

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("api/events").json()["events"]
        return found

    def patch(self, change: dict[str, Any]) -> None:
        answer = httpx.patch(self.url + "api/cameras/yard", json=change, timeout=WAIT_SECONDS)
        answer.raise_for_status()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    one = Mosquitto(tmp_path)
    yield one
    one.end()


@pytest.fixture
def home(tmp_path: Path, broker: Mosquitto) -> Iterator[Home]:
    with FaultServer(picture=bright_picture) as camera:
        one = Home(tmp_path, broker, camera)
        yield one
        one.close()


def test_killed_in_the_middle_of_an_event(home: Home, broker: Mosquitto) -> None:
    onlooker = Onlooker(broker.port)
    first = home.start()
    home.patch({"thresholds": {"bright": 0.55}})
    clips = home.folder / "kept" / "clips"
    until(lambda: home.events() and home.events()[0]["snapshot"])
    until(lambda: [one for one in clips.glob("*.mp4") if one.stat().st_size > 5_000])
    until(lambda: onlooker.now.get("rtaction/yard/bright") == b"ON")

    second = home.spawn()  # in the same folder
    out, err = second.communicate(timeout=WAIT_SECONDS)
    assert (second.returncode, out) == (2, "")
    assert f"another rtaction serve or fleet uses the folder {home.folder / 'kept'}" in err
    assert str(first.pid) in err
    assert "Traceback" not in err

    (cut,) = home.events()
    assert cut["ended_at"] is None
    first.kill()
    first.wait()
    killed_at = datetime.now(UTC)
    onlooker.history.clear()
    home.start()
    until(lambda: any(one["id"] == cut["id"] and one["ended_at"] for one in home.events()))
    event = next(one for one in home.events() if one["id"] == cut["id"])
    ended_at = datetime.fromisoformat(event["ended_at"])
    # When it was last alive, not when it was started again.
    assert killed_at - timedelta(seconds=WAIT_SECONDS) < ended_at <= killed_at
    assert event["started_at"] < event["ended_at"]
    clip = home.get(f"api/events/{cut['id']}/clip").content
    assert home.get(f"api/events/{cut['id']}/snapshot").content[:3] == b"\xff\xd8\xff"
    path = home.folder / "found.mp4"
    path.write_bytes(clip)
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 5
    assert home.get("api/cameras/yard").json()["thresholds"] == {"bright": 0.55}

    told = onlooker.history
    until(lambda: b"OFF" in told["rtaction/yard/bright"])
    until(lambda: ended(told["rtaction/events"]) == {cut["id"]})
    # The camera is bright still: a new event, with an id of its own.
    until(lambda: len(home.events()) == 2)
    assert len({one["id"] for one in home.events()}) == 2
    until(lambda: onlooker.now["rtaction/yard/bright"] == b"ON")
    onlooker.close()


def ended(payloads: list[bytes]) -> set[str]:
    return {one["id"] for one in map(json.loads, payloads) if one["phase"] == "end"}
