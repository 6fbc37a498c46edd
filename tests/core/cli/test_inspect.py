"""A file from elsewhere, on the command line: looked into, adopted, run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.foreign_models import conv3d_style, torch_style
from tests.realtime.conftest import assert_one_error, json_lines, rtaction
from tests.videos import write_flat_video

OPEN = "--labels 3_NAMES --clip-seconds SECONDS --scale 0..1"


def _rows(text: str) -> dict[str, str]:
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in text.splitlines())


def test_a_file_from_elsewhere_is_explained(tmp_path: Path) -> None:
    cut = torch_style(tmp_path / "cut.onnx")
    whole = conv3d_style(tmp_path / "whole.onnx")

    found = [_rows(rtaction("inspect", path).stdout) for path in (cut, whole)]

    assert found[0]["input"] == "x: float32 (batch, 5, 3, 16, 16)"
    assert found[0]["layout"].startswith("nfchw (n batch, f frames,")
    assert re.match(r"cut into encoder and head, once adopted: \d+ of \d+ nodes", found[0]["runs"])
    assert found[0]["contract"].startswith("none: labels, clip seconds and pixel scale")
    assert found[0]["adopt it with"] == f"rtaction export {cut} -o model.onnx {OPEN}"
    assert found[1]["layout"].startswith("ncfhw")
    assert re.match(
        "whole for each window: its Conv .* of 3x3x3 looks at several", found[1]["runs"]
    )


def test_what_is_unclear_is_said(tmp_path: Path) -> None:
    path = torch_style(tmp_path / "free.onnx", frames="time")

    rows = _rows(rtaction("inspect", path).stdout)

    assert "set it with --frames NUMBER" in rows["runs"]
    assert rows["adopt it with"].endswith(f"{OPEN} --frames NUMBER")


def test_to_run_it_says_what_is_missing(tmp_path: Path) -> None:
    path = torch_style(tmp_path / "cut.onnx")
    command = f"rtaction export {path} -o model.onnx {OPEN}"

    cam = rtaction("cam", "-m", path, "-s", "none.mp4", "--headless")
    export = rtaction("export", path, "-o", tmp_path / "ours.onnx")

    assert command in assert_one_error(cam.returncode, cam.stderr, 5)
    assert command in assert_one_error(export.returncode, export.stderr, 2)


@pytest.mark.parametrize("write", [torch_style, conv3d_style])
def test_adopted_it_runs(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    video = write_flat_video(tmp_path / "video.mp4", value=200, seconds=4.0)
    theirs, ours, log = write(tmp_path / "t.onnx"), tmp_path / "o.onnx", tmp_path / "log.jsonl"
    options = ["--labels", "wave,clap,nothing", "--clip-seconds", "1", "--scale", "0..1"]

    export = rtaction("export", theirs, "-o", ours, *options)
    cam = rtaction("cam", "-m", ours, "-s", video, "--headless", "--output", log)

    assert export.returncode == 0, export.stderr
    assert ("cut into encoder and head" in export.stdout) == (write is torch_style)
    assert ("runs whole for each window" in export.stdout) == (write is conv3d_style)
    assert cam.returncode == 0, cam.stderr
    lines = json_lines(log.read_text(encoding="utf-8"))
    predictions = [one for one in lines if one["type"] == "prediction"]
    assert len(predictions) > 5
    assert {one["label"] for one in predictions} <= {"wave", "clap", "nothing"}
    assert json.loads(_rows(rtaction("inspect", ours).stdout)["contract.labels"].replace("'", '"'))
