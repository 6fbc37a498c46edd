"""`rtaction cam -o -` on a camera, and a reader of its lines that stalls or leaves."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.realtime.conftest import WAIT_SECONDS, Start, assert_one_error, command, frame_times
from tests.realtime.servers.stream_server import StreamServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pipes have another size there")


def watching(
    start: Start, model: Path, server: StreamServer, *options: str | Path
) -> subprocess.Popen[str]:
    """A run on a camera, once it has told of its first window."""
    arguments = ["cam", "-m", model, "-s", server.url(), "--headless", "-o", "-", *options]
    process = start(*command(*arguments, "--stride-seconds", "0.04"))
    assert process.stdout is not None
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    while json.loads(process.stdout.readline())["type"] != "prediction":
        pass
    return process


def predictions_so_far(process: subprocess.Popen[str]) -> int:
    """What the statistics say that a signal asks for."""
    process.send_signal(signal.SIGUSR1)
    assert process.stderr is not None
    while (found := re.search(r"(\d+) predictions", process.stderr.readline())) is None:
        pass
    return int(found[1])


def test_a_reader_that_stalls_stalls_no_camera(
    start: Start, tiny_model: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.avi"
    with StreamServer(frames_per_second=25.0) as server:
        process = watching(start, tiny_model, server, "--save", saved)
        # The pipe holds some ten lines.
        deadline_seconds = time.monotonic() + WAIT_SECONDS
        while predictions_so_far(process) < 60:
            assert time.monotonic() < deadline_seconds
            time.sleep(0.2)

        process.send_signal(signal.SIGTERM)
        begun_seconds = time.monotonic()
        process.wait(WAIT_SECONDS)
        took_seconds = time.monotonic() - begun_seconds

    assert process.stderr is not None
    stderr = process.stderr.read()
    assert process.returncode == 0, stderr
    assert took_seconds < 4.0 + 3.0  # what a busy machine may add
    found = re.search(r"--output -: (\d+) lines were left out, because its reader", stderr)
    assert found is not None, stderr
    assert int(found[1]) > 20
    assert len(frame_times(saved)) > 60


def test_a_reader_that_leaves_a_camera_is_no_success(
    start: Start, tiny_model: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.avi"
    with StreamServer(frames_per_second=25.0) as server:
        process = watching(start, tiny_model, server, "--save", saved)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        stderr = process.stderr.read()
        process.wait(WAIT_SECONDS)

    error = assert_one_error(process.returncode, stderr, 20)
    assert "the program that reads --output - has ended" in error
    assert f"saved {saved}\n" in stderr
    assert len(frame_times(saved)) > 5


def test_one_signal_ends_a_file_whose_reader_stalls(
    start: Start, tiny_model: Path, long_video: Path
) -> None:
    process = start(*command("cam", "-m", tiny_model, long_video, "--headless", "-o", "-"))
    assert process.stdout is not None
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    process.stdout.readline()
    time.sleep(0.5)

    process.send_signal(signal.SIGTERM)
    begun_seconds = time.monotonic()
    process.wait(WAIT_SECONDS)

    assert time.monotonic() - begun_seconds < 4.0 + 3.0
    assert process.returncode == 0
