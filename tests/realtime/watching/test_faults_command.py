"""The real command `rtaction cam` while its cameras fail, and when it is told to end meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.realtime.conftest import (
    WAIT_SECONDS,
    Start,
    command,
    environment,
    frame_times,
    json_lines,
)
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.steered_server import SteeredServer
from tests.realtime.servers.stream_client import until
from tests.realtime.watcher import LEAVING_SECONDS

USER, PASSWORD, OTHER_PASSWORD = "operator", "p@/ss: é#?%&", "0ther-Secret"
LOUD = {
    "OPENCV_LOG_LEVEL": "VERBOSE",
    "OPENCV_VIDEOIO_DEBUG": "1",
    "OPENCV_FFMPEG_DEBUG": "1",
    "OPENCV_FFMPEG_LOGLEVEL": "56",
    "AV_LOG_LEVEL": "56",
}
Process = subprocess.Popen[str]
# The last thing that Python does is what was registered first.
SCRIPT = """
import atexit, sys
atexit.register(lambda: print("hangs:", has_hanging_threads()))
import rtaction
from rtaction.realtime.watching.feed import has_hanging_threads

predictions = rtaction.watch(*sys.argv[1:], device="cpu")
next(predictions)
print("labels", flush=True)
input()
predictions.close()
print("hangs:", has_hanging_threads(), flush=True)
"""


def line_of(process: Process, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The next JSON line of stdout that is wanted."""
    assert process.stdout is not None
    for text in process.stdout:
        line: dict[str, Any] = json.loads(text)
        if is_wanted(line):
            return line
    raise AssertionError(process.communicate()[1])


def is_prediction(line: dict[str, Any]) -> bool:
    return bool(line["type"] == "prediction")


def is_down(line: dict[str, Any]) -> bool:
    return bool(line["type"] == "state" and line["state"] == "down")


def ended(process: Process, number: int) -> tuple[str, str]:
    """End a process by a signal; what it still wrote."""
    begun_seconds = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
    took_seconds = time.monotonic() - begun_seconds
    print(f"\n  ended after {took_seconds:.3f} s")
    assert process.returncode == 0, stderr
    assert took_seconds < LEAVING_SECONDS
    assert "Traceback" not in stderr
    return stdout, stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_whatever_the_camera_does(
    start: Start, tiny_model: Path, tmp_path: Path, number: int
) -> None:
    """While it is silent, while it has never answered, and while a next try is waited for."""
    with FaultServer() as stalls, FaultServer() as is_mute, FaultServer() as refuses:
        is_mute.blackhole()
        servers: list[SteeredServer] = [stalls, is_mute, refuses]
        saved = [tmp_path / f"{number}.avi" for number in range(3)]
        stalled, connecting, waiting = [
            start(
                *command("cam", "-m", tiny_model, "-s", server.url(), "--headless"),
                *("-o", "-", "--save", str(path)),
            )
            for server, path in zip(servers, saved, strict=True)
        ]

        until(lambda: is_mute.num_connections >= 1)
        ended(connecting, number)
        line_of(stalled, is_prediction)
        stalls.stall()
        ended(stalled, number)
        line_of(waiting, is_prediction)
        refuses.refuse()
        line_of(waiting, is_down)
        ended(waiting, number)

    assert len(frame_times(saved[0])) > 10
    assert not saved[1].exists()
    assert len(frame_times(saved[2])) > 10


@pytest.mark.slow
def test_python_does_not_end_before_the_threads_that_ask_it(start: Start, tiny_model: Path) -> None:
    """FFmpeg asks Python ten times a second whether to go on, and would find nobody."""
    with FaultServer() as server:
        arguments = (sys.executable, "-c", SCRIPT, server.url(), str(tiny_model))
        process = start(*arguments, stdin=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == "labels\n"
        server.stall()
        begun_seconds = time.monotonic()
        stdout, stderr = process.communicate("\n", timeout=WAIT_SECONDS)
        took_seconds = time.monotonic() - begun_seconds

    assert process.returncode == 0, stderr
    assert stdout.splitlines() == ["hangs: True", "hangs: False"]
    print(f"\n  ended after {took_seconds:.3f} s")
    assert took_seconds < LEAVING_SECONDS


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no SIGUSR1 here")
def test_the_figures_on_demand(start: Start, tiny_model: Path) -> None:
    with FaultServer() as server:
        process = start(
            *command("cam", "-m", tiny_model, "-s", server.url(), "--headless", "-o", "-")
        )
        line_of(process, is_prediction)
        process.send_signal(signal.SIGUSR1)
        summary = line_of(process, lambda line: line["type"] == "summary")
        line_of(process, is_prediction)
        stdout, stderr = ended(process, signal.SIGINT)

    (name,) = summary["sources"]
    figures = summary["sources"][name]
    assert name == server.url()
    assert figures["frames"] >= 20
    assert figures["predictions"] >= 1
    so_far, at_the_end = [line for line in stderr.splitlines() if line.startswith(name)]
    assert "so far:" in stderr
    assert int(so_far.split()[1]) < int(at_the_end.split()[1])
    last = json_lines(stdout)[-1]
    assert last["type"] == "summary"
    assert last["sources"][name]["frames"] > figures["frames"]


@pytest.mark.slow
def test_a_living_and_a_dead_camera_tell_no_secret(
    start: Start, tiny_model: Path, tmp_path: Path
) -> None:
    with (
        FaultServer(user=USER, password=PASSWORD) as living,
        FaultServer(user=USER, password=OTHER_PASSWORD) as dead,
    ):
        dead.refuse()
        cameras = tmp_path / "cameras.toml"
        cameras.write_text(
            f"""
            [[camera]]
            name = "front"
            url = "{living.url(user="")}"
            username_env = "FRONT_USER"
            password_env = "FRONT_PASSWORD"

            [[camera]]
            name = "back"
            url = "{dead.url()}"
            """
        )
        log = tmp_path / "log.jsonl"
        env = environment(FRONT_USER=USER, FRONT_PASSWORD=PASSWORD, **LOUD)
        process = start(
            *command("cam", "-m", tiny_model, "--sources", cameras, "--headless", "-o", log),
            env=env,
        )
        until(lambda: log.exists() and log.read_text().count('"prediction"') >= 4)
        living.reset()
        before = log.read_text().count('"prediction"')
        until(lambda: log.read_text().count('"prediction"') > before + 2)
        stdout, stderr = ended(process, signal.SIGINT)

    lines = json_lines(log.read_text())
    assert {line["source"] for line in lines if is_prediction(line)} == {"front"}
    states = [line["state"] for line in lines if line.get("source") == "back"]
    assert [state for state in states if state != "connecting"] == ["down"]
    (reason,) = [line["reason"] for line in lines if is_down(line) and line["source"] == "back"]
    assert "connection refused" in reason
    assert f"back: down: {reason}" in stderr
    for secret in (USER, PASSWORD, OTHER_PASSWORD):
        for written in (secret, quote(secret, safe="")):
            assert written not in stdout + stderr + log.read_text()
