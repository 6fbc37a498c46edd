"""The Python of the README and of docs/python.md does what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from rtaction.opencv import cv2
from tests.project import ROOT

NO_CHANGES: Mapping[str, str] = MappingProxyType({})


def blocks_of(page: str) -> list[str]:
    return re.findall(r"(?s)```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def folder(
    halves_video: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with the files that the pages name."""
    monkeypatch.chdir(tmp_path)
    halves_video.rename("clip.mp4")
    tiny_model.rename("model.onnx")


def run(code: str, page: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(compile(code, page, "exec"), names)
    return names


def test_python_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = [one for one in blocks_of("README.md") if "rtaction.watch" in one]
    cameras = '[0, "rtsp://camera/stream"]'
    assert cameras in code
    names = run(code.replace(cameras, '"clip.mp4"'), "README.md")

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("clip.mp4 ")] == (
        ["dark"] * 6 + ["bright"] * 7
    )
    assert len([line for line in lines if line.startswith("ActionEvent(")]) == 4
    assert names["image"].shape == (96, 128, 3)  # type: ignore[attr-defined]


def block_of(heading: str, number: int = 0) -> str:
    """A block of docs/python.md, by the heading above it."""
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (section,) = (one for one in page.split("\n## ") if one.startswith(f"{heading}\n"))
    blocks: list[str] = re.findall(r"(?s)```python\n(.*?)```", section)
    return blocks[number]


def run_block(heading: str, number: int = 0, changes: Mapping[str, str] = NO_CHANGES) -> None:
    """Run such a block, with parts of it exchanged, such as a camera for a file."""
    code = block_of(heading, number)
    for before, after in changes.items():
        assert before in code
        code = code.replace(before, after)
    run(code, "docs/python.md")


def test_watching(capsys: pytest.CaptureFixture[str]) -> None:
    run_block("Watch a camera", changes={"watch(0": 'watch("clip.mp4"'})
    labels = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert labels == ["dark"] * 6 + ["bright"] * 7

    run_block("Watch a camera", 1)
    assert len(capsys.readouterr().out.splitlines()) == 13
    for label in ("dark", "bright"):  # the last dark window ends in the bright half
        image = cv2.imread(f"{label}.png")
        assert image is not None
        assert image.shape == (96, 128, 3)
        assert image.mean() == pytest.approx(235, abs=3)


def test_several_cameras(capsys: pytest.CaptureFixture[str]) -> None:
    changes = {'"desk": 0': '"desk": "clip.mp4"', "rtsp://192.168.1.20/stream1": "clip.mp4"}
    run_block("Several cameras, with callbacks", changes=changes)
    each = ["dark started", "dark ended", "bright started", "bright ended"]
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == sorted(f"{name} {one}" for name in ("door", "desk") for one in each)
    assert [line for line in lines if line.startswith("door")] == [f"door {one}" for one in each]


def test_arrays(capsys: pytest.CaptureFixture[str]) -> None:
    run_block("Frames of your own")
    ends = [float(line.split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert ends == pytest.approx(2 * [1.0, 1.24, 1.52, 1.76, 1.96], abs=0.041)


def test_a_loop(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    opened = cv2.VideoCapture("clip.mp4")

    class Webcam:
        """The file, as a webcam that gives 25 frames a second."""

        def __init__(self, number: int) -> None:
            assert number == 0

        def read(self) -> tuple[bool, object]:
            now[0] += 0.04
            return opened.read()

    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    run_block("A loop of your own")
    lines = capsys.readouterr().out.splitlines()
    labels = [line.split()[0] for line in lines if not line.startswith("ActionEvent(")]
    assert labels == sorted(labels, reverse=True)
    assert len(labels) == pytest.approx(13, abs=1)
    assert set(labels) == {"dark", "bright"}
    assert len([line for line in lines if line.startswith("ActionEvent(")]) == 4


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    run_block("Errors")
    assert "no-such.mp4" in capsys.readouterr().out
