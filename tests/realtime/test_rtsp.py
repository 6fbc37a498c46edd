"""`rtaction cam` on a real RTSP stream: labels, secrets, and what happens when it breaks."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
Serve = Callable[[], tuple["subprocess.Popen[str]", int]]


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
    """Starts a server; returns it and its port."""

    def run() -> tuple[subprocess.Popen[str], int]:
        port = free_port()
        server = start(
            *(sys.executable, "-c", SERVER, str(videos), str(port)), stdout=subprocess.DEVNULL
        )
        assert server.stderr is not None
        assert server.stderr.readline() == "ready\n"
        return server, port

    return run


def address(port: int, query: str = "") -> str:
    return f"rtsp://user:s3cret@127.0.0.1:{port}/file.mp4{query}"


def cam(start: Start, model: Path, source: str, saved: Path) -> subprocess.Popen[str]:
    """`rtaction cam` on a stream, once its first label is told."""
    process = start(
        *command("cam", "-m", model, "-s", source, "--headless", "-o", "-", "--save", saved)
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith('{"type": "prediction"'), process.communicate()[1]
    assert "s3cret" not in line
    return process


@pytest.mark.slow
def test_labels_of_a_stream_in_order(serve: Serve, tiny_model: Path) -> None:
    _, port = serve()

    finished = rtaction(
        "cam", "--source", address(port), "--model", tiny_model, "--headless", "--output", "-"
    )

    lines = json_lines(finished.stdout)
    assert without_repeats(line["label"] for line in lines) == ["dark", "bright"]
    assert {line["source"] for line in lines} == {f"rtsp://127.0.0.1:{port}/file.mp4"}
    assert lines[0]["score"] > 0.9
    assert lines[-1]["score"] > 0.9
    # The server sends the first second at once; the age of those pictures cannot be told.
    assert len(lines) >= 10
    assert all(
        0.9 <= line["end_seconds"] - line["start_seconds"] <= 1.1
        and line["start_seconds"] >= 0.0
        and 0.0 <= line["latency_seconds"] <= WAIT_SECONDS
        for line in lines
    )
    assert "s3cret" not in finished.stdout + finished.stderr
    # A stream that ends is a camera that is lost.
    error = assert_one_error(finished.returncode, finished.stderr, 8)
    assert f"rtsp://127.0.0.1:{port}/file.mp4 ended" in error


@pytest.mark.slow
def test_a_server_that_dies(start: Start, serve: Serve, tiny_model: Path, tmp_path: Path) -> None:
    server, port = serve()
    saved = tmp_path / "saved.avi"
    process = cam(start, tiny_model, address(port, "?play_count=0"), saved)

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
    process = cam(start, tiny_model, address(port, "?play_count=0"), saved)

    server.send_signal(signal.SIGSTOP)
    stdout, stderr = process.communicate(timeout=WAIT_SECONDS)

    assert_one_error(process.returncode, stderr, 8)
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
    assert "frames dropped" in stderr
    assert len(frame_times(saved)) > 20


def test_nobody_listens(tiny_model: Path) -> None:
    port = free_port()

    finished = rtaction("cam", "-m", tiny_model, "-s", address(port), "--headless")

    error = assert_one_error(finished.returncode, finished.stderr, 6)
    assert f"rtsp://127.0.0.1:{port}/file.mp4 cannot be opened" in error
    assert "s3cret" not in finished.stdout + finished.stderr


def test_a_path_that_is_not_served(serve: Serve, tiny_model: Path) -> None:
    _, port = serve()
    source = f"rtsp://user:s3cret@127.0.0.1:{port}/nosuch.mp4"

    finished = rtaction("cam", "-m", tiny_model, "-s", source, "--headless")

    assert_one_error(finished.returncode, finished.stderr, 6)
    assert "s3cret" not in finished.stdout + finished.stderr


@pytest.mark.slow
def test_someone_listens_and_never_answers(tiny_model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = int(mute.getsockname()[1])

        finished = rtaction("cam", "-m", tiny_model, "-s", address(port), "--headless")

    assert_one_error(finished.returncode, finished.stderr, 6)
    assert "s3cret" not in finished.stdout + finished.stderr


def test_a_talkative_opencv_tells_no_password(tiny_model: Path) -> None:
    loud = environment(OPENCV_LOG_LEVEL="VERBOSE")

    finished = rtaction("cam", "-m", tiny_model, "-s", address(free_port()), "--headless", env=loud)

    assert finished.returncode == 6
    assert "s3cret" not in finished.stdout + finished.stderr
