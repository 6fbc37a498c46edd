"""The loop with OpenCV, run as somebody would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rtaction.opencv import cv2
from tests.project import ROOT
from tests.realtime.conftest import environment, halves
from tests.videos import write_video

LOOP = ROOT / "examples" / "opencv" / "loop.py"


def loop(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(LOOP), *map(str, arguments)],
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_names_and_draws(tiny_model: Path, tmp_path: Path) -> None:
    video = write_video(tmp_path / "halves.mp4", *halves(25.0, 100))
    run = loop(video, "--model", tiny_model, "--save", tmp_path / "labelled.avi")
    assert run.returncode == 0, run.stderr
    words = [line.split()[:2] for line in run.stdout.splitlines()]
    assert words == [
        ["dark", "started"],
        ["dark", "ended"],
        ["bright", "started"],
        ["bright", "ended"],
    ]
    written = cv2.VideoCapture(str(tmp_path / "labelled.avi"))
    frames = []
    while True:
        is_there, frame_bgr = written.read()
        if not is_there:
            break
        frames.append(frame_bgr)
    assert len(frames) == 100
    corner = (slice(8, 28), slice(8, 120))
    yellow = [int((one[corner][..., 2] > one[corner][..., 0] + 60.0).sum()) for one in frames]
    assert max(yellow[:20]) < 20  # before the first window is full
    assert min(yellow[30:]) > 100


def test_mistakes_are_told_in_a_line(tmp_path: Path, tiny_model: Path) -> None:
    run = loop("no-such.mp4", "--model", tiny_model)
    assert run.returncode == 1
    assert run.stderr.strip().endswith("the source cannot be opened")
    video = write_video(tmp_path / "halves.mp4", *halves(25.0, 10))
    run = loop(video, "--model", tmp_path / "no-such.onnx", "--save", tmp_path / "x.avi")
    assert run.returncode == 1
    assert run.stderr.startswith("error: ")
    assert "Traceback" not in run.stderr
