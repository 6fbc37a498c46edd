"""`rtaction serve` as a person, systemd and a program meet it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtaction.errors import ModelMissing, RtactionError
from rtaction.model_spec import ModelSpec
from rtaction.serve.options import ServeOptions
from rtaction.serve.run import run_serve
from tests.realtime.conftest import WAIT_SECONDS, command, environment
from tests.tiny_model import write_tiny_model
from tests.videos import write_flat_video

SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8, background_label="dark", threshold=0.6)
SECRET = "s3cret-password"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


class Service:
    """A service that runs, as systemd sees it."""

    def __init__(self, folder: Path) -> None:
        write_tiny_model(folder / "tiny.onnx", SPEC)
        write_flat_video(folder / "gray.mp4", value=140, seconds=60, frames_per_second=8)
        self.cameras = folder / "cameras.toml"
        self.write("")
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._folder = tempfile.TemporaryDirectory()  # a short path
        self.heard.bind(f"{self._folder.name}/notify")
        self.heard.settimeout(WAIT_SECONDS)
        options: list[str | Path] = [
            "--sources",
            self.cameras,
            "--model",
            folder / "tiny.onnx",
            "--port",
            "0",
        ]
        self.process = subprocess.Popen(
            command("serve", *options, "--folder", folder / "kept"),
            env=environment(NOTIFY_SOCKET=f"{self._folder.name}/notify", WATCHDOG_USEC="900000"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline() if self.process.stdout else ""
        found = re.fullmatch(r"2 cameras at (http://127\.0\.0\.1:\d+/)\n", line)
        assert found, (line, self.process.stderr.read() if self.process.stderr else "")
        self.url = found[1]

    def write(self, more: str) -> None:
        folder = self.cameras.parent
        # Nobody answers at the second one; what matters is its password.
        self.cameras.write_text(
            f'[[camera]]\nname = "yard"\nsource = "{folder / "gray.mp4"}"\n{more}\n'
            f'[[camera]]\nname = "door"\nurl = "rtsp://admin:{SECRET}@127.0.0.1:9/x"\n'
        )

    def hear(self, wanted: str) -> None:
        while wanted not in self.heard.recv(1000).decode().split("\n"):
            pass

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=WAIT_SECONDS).raise_for_status()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.heard.close()
        self._folder.cleanup()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    one = Service(tmp_path)
    yield one
    one.close()


def test_a_day_of_a_service(service: Service) -> None:
    service.hear("READY=1")
    service.hear("WATCHDOG=1")
    assert service.get("healthz").json()["status"] == "ok"
    texts = [service.get(path).text for path in ("api/cameras", "api/machine", "metrics")]

    service.write("mirror = 3")
    service.process.send_signal(signal.SIGHUP)
    service.hear("RELOADING=1")
    service.hear("READY=1")
    assert [one["id"] for one in json.loads(texts[0])["cameras"]] == ["yard", "door"]
    service.write("mirror = true")
    service.process.send_signal(signal.SIGHUP)
    service.hear("RELOADING=1")
    service.hear("READY=1")
    texts.append(service.get("api/cameras").text)

    service.process.send_signal(signal.SIGTERM)
    service.hear("STOPPING=1")
    out, err = service.process.communicate(timeout=WAIT_SECONDS)
    assert service.process.returncode == 0
    assert "watched on as before" in err
    assert "mirror" in err
    assert "1 camera changed" in err
    for text in (*texts, out, err):
        assert SECRET not in text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"host": "0.0.0.0"}, "token"),
        ({"token_env": "RTACTION_NO_SUCH"}, "RTACTION_NO_SUCH"),
        ({"cameras_file": Path("no.toml")}, "no.toml"),
        ({"sources": ("/no/such/video.mp4",)}, "video.mp4"),
        ({"folder": Path("/proc/no")}, "--folder /proc/no"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"folder": tmp_path / "kept", "port": 0, "sources": ("0",)}
    with pytest.raises(RtactionError, match=re.escape(told)):
        run_serve(ServeOptions(**given | options), tmp_path / "no.onnx", on_ready=pytest.fail)


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    video = write_flat_video(tmp_path / "gray.mp4", value=140, seconds=1)
    options = ServeOptions(sources=(str(video),), folder=tmp_path / "kept", port=0)
    with pytest.raises(ModelMissing):
        run_serve(options, tmp_path / "no.onnx", on_ready=pytest.fail)
