"""`rtaction cam` on a stream of another maker's RTSP server: labels, secrets, and losses."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from tests.realtime.conftest import (
    WAIT_SECONDS,
    Start,
    assert_one_error,
    command,
    environment,
    frame_times,
    halves,
    json_lines,
    rtaction,
    without_repeats,
)
from tests.videos import write_video

pytest.importorskip("aio_rtsp_toolkit", reason="needs the package aio-rtsp-toolkit")

SERVER = """
import asyncio, sys
from aio_rtsp_toolkit.server import RtspServer

async def serve():
    server = await RtspServer(sys.argv[1], "127.0.0.1", int(sys.argv[2])).start()
    print("ready", file=sys.stderr, flush=True)
    await server.serve_forever()

asyncio.run(serve())
"""
STREAM_SECONDS = 6.0
Serve = Callable[..., tuple["subprocess.Popen[str]", int]]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with file.mp4, whose first half is dark and whose second is bright."""
    folder = tmp_path_factory.mktemp("videos")
    # x264 makes no B-pictures of noise, and this server stamps those in the order of decoding.
    images = halves(25.0, round(STREAM_SECONDS * 25), noise=20)
    path = write_video(folder / "file.mp4", *images)
    with av.open(str(path)) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert stamps == sorted(stamps)
    return folder


@pytest.fixture
def serve(start: Start, videos: Path) -> Serve:
    """Starts a server, on a free port or a given one; returns it and its port."""

    def run(port: int | None = None) -> tuple[subprocess.Popen[str], int]:
        port = port or free_port()
        server = start(
            *(sys.executable, "-c", SERVER, str(videos), str(port)), stdout=subprocess.DEVNULL
        )
        assert server.stderr is not None
        assert server.stderr.readline() == "ready\n"
        return server, port

    return run


def address(port: int, query: str = "") -> str:
    return f"rtsp://user:s3cret@127.0.0.1:{port}/file.mp4{query}"


def next_of(process: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    """The next line of one type that a run tells."""
    assert process.stdout is not None
    while line := process.stdout.readline():
        assert "s3cret" not in line
        told: dict[str, Any] = json.loads(line)
        if told["type"] == kind:
            return told
    pytest.fail(f"the run has ended: {process.communicate()[1]}")


def cam(
    start: Start, model: Path, source: str, saved: Path, *options: str
) -> subprocess.Popen[str]:
    """`rtaction cam` on a stream, once its first few labels are told."""
    arguments = ("cam", "-m", model, "-s", source, "--headless", "-o", "-", "--save", saved)
    process = start(*command(*arguments, *options))
    for _ in range(4):
        next_of(process, "prediction")
    return process


@pytest.mark.slow
def test_labels_of_a_stream_in_order(serve: Serve, tiny_model: Path) -> None:
    _, port = serve()

    finished = rtaction(
        *("cam", "--source", address(port), "--model", tiny_model, "--headless"),
        *("--output", "-", "--no-reconnect"),
    )

    everything = json_lines(finished.stdout)
    lines = [line for line in everything if line["type"] == "prediction"]
    assert without_repeats(line["label"] for line in lines) == ["dark", "bright"]
    assert {line["source"] for line in lines} == {f"rtsp://127.0.0.1:{port}/file.mp4"}
    assert lines[0]["score"] > 0.9
    assert lines[-1]["score"] > 0.9
    # The server sends the first second at once; the age of those pictures cannot be told.
    assert len(lines) >= 10
    assert all(
        0.9 <= line["end_seconds"] - line["start_seconds"] <= 1.1
        and line["start_seconds"] >= 0.0
        and 0.0 <= line["frame_age_seconds"] <= line["latency_seconds"] <= WAIT_SECONDS
        for line in lines
    )
    states = [line["state"] for line in everything if line["type"] == "state"]
    assert "ok" in states
    assert states[-1] == "ended"
    events = [line for line in everything if line["type"] == "event"]
    assert [(line["phase"], line["label"]) for line in events] == [
        *(("start", "dark"), ("end", "dark"), ("start", "bright"), ("end", "bright"))
    ]
    assert everything[-1]["type"] == "summary"
    assert "s3cret" not in finished.stdout + finished.stderr
    # A stream that ends is a camera that is lost.
    error = assert_one_error(finished.returncode, finished.stderr, 8)
    assert f"rtsp://127.0.0.1:{port}/file.mp4 has ended the stream" in error


@pytest.mark.slow
def test_a_server_that_dies(start: Start, serve: Serve, tiny_model: Path, tmp_path: Path) -> None:
    server, port = serve()
    saved = tmp_path / "saved.avi"
    process = cam(start, tiny_model, address(port, "?play_count=0"), saved, "--no-reconnect")

    server.kill()
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert_one_error(process.returncode, stderr, 8)
    assert "s3cret" not in stdout + stderr
    assert len(frame_times(saved)) > 20


@pytest.mark.slow
def test_a_server_that_falls_silent(
    start: Start, serve: Serve, tiny_model: Path, tmp_path: Path
) -> None:
    server, port = serve()
    saved = tmp_path / "saved.webm"
    process = cam(start, tiny_model, address(port, "?play_count=0"), saved, "--no-reconnect")

    server.send_signal(signal.SIGSTOP)
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert_one_error(process.returncode, stderr, 8)
    assert "s3cret" not in stdout + stderr
    assert len(frame_times(saved)) > 20


@pytest.mark.slow
def test_a_server_that_dies_and_comes_back(
    start: Start, serve: Serve, tiny_model: Path, tmp_path: Path
) -> None:
    server, port = serve()
    saved = tmp_path / "saved.avi"
    process = cam(start, tiny_model, address(port, "?play_count=0"), saved)
    next_of(process, "event")

    server.kill()
    server.wait(WAIT_SECONDS)
    while (lost := next_of(process, "state"))["state"] != "down":
        assert lost["state"] in ("connecting", "warming_up", "ok", "degraded", "late")
    serve(port)
    before = next_of(process, "state")
    after = next_of(process, "prediction")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 0, stderr
    assert lost["reason"]
    assert before["state"] == "warming_up"
    assert after["label"] in ("dark", "bright")
    # No window reaches over the loss.
    assert after["end_seconds"] - after["start_seconds"] <= 1.1
    (figures,) = json_lines(stdout)[-1]["sources"].values()
    assert figures["reconnects"] == 1
    assert "; 1 reconnects" in stderr
    assert ": down: " in stderr
    assert "error" not in stderr
    assert "s3cret" not in stdout + stderr
    assert len(frame_times(saved)) > 20


@pytest.mark.slow
@pytest.mark.parametrize("silent", [False, True])
def test_a_person_ends_a_stream(
    start: Start, serve: Serve, tiny_model: Path, tmp_path: Path, silent: bool
) -> None:
    server, port = serve()
    saved = tmp_path / "saved.avi"
    process = cam(start, tiny_model, address(port, "?play_count=0"), saved)
    if silent:
        server.send_signal(signal.SIGSTOP)

    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 0, stderr
    assert "s3cret" not in stdout + stderr
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1] == f"saved {saved}"
    assert re.search(
        rf"^rtsp://127\.0\.0\.1:{port}/file\.mp4.*: \d+ frames \(", stderr, re.MULTILINE
    )
    assert len(frame_times(saved)) > 20


def test_nobody_listens(tiny_model: Path) -> None:
    port = free_port()

    finished = rtaction("cam", "-m", tiny_model, "-s", address(port), "--headless")

    error = assert_one_error(finished.returncode, finished.stderr, 6)
    assert f"rtsp://127.0.0.1:{port}/file.mp4: nothing is listening there" in error
    assert "s3cret" not in finished.stdout + finished.stderr


def test_a_path_that_is_not_served(serve: Serve, tiny_model: Path) -> None:
    _, port = serve()
    source = f"rtsp://user:s3cret@127.0.0.1:{port}/nosuch.mp4"

    finished = rtaction("cam", "-m", tiny_model, "-s", source, "--headless")

    error = assert_one_error(finished.returncode, finished.stderr, 6)
    assert "has no stream at that path" in error
    assert "s3cret" not in finished.stdout + finished.stderr


@pytest.mark.slow
def test_someone_listens_and_never_answers(tiny_model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = int(mute.getsockname()[1])

        finished = rtaction("cam", "-m", tiny_model, "-s", address(port), "--headless")

    error = assert_one_error(finished.returncode, finished.stderr, 6)
    assert "has not answered within 5 s" in error
    assert "s3cret" not in finished.stdout + finished.stderr


def test_talkative_libraries_tell_no_password(tiny_model: Path) -> None:
    loud = environment(OPENCV_LOG_LEVEL="VERBOSE", OPENCV_FFMPEG_LOGLEVEL="56")

    finished = rtaction("cam", "-m", tiny_model, "-s", address(free_port()), "--headless", env=loud)

    assert finished.returncode == 6
    assert "s3cret" not in finished.stdout + finished.stderr
