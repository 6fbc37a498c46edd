"""The demo names the actions of the bundled clip, with neither camera nor display."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from rtaction.models import SAMPLE_CLIP
from rtaction.realtime.demo import camera_present
from tests.realtime.conftest import frame_times, rtaction


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    folder = tmp_path / "new"

    finished = rtaction("demo", "-o", folder, "--device", "cpu")

    assert finished.returncode == 0, finished.stderr
    first, *lines = finished.stdout.splitlines()
    assert first == "A drawn person, recognised on CPU:"
    rows = [line.split() for line in lines[: lines.index("")]]
    named = [row[4] for row in rows if row[4] != "(no"]
    # What tools/make_sample.py let the drawn person do, in its order.
    assert named == ["wave", "arms_side", "clap", "arms_raise"]
    expected, written = frame_times(SAMPLE_CLIP), frame_times(folder / "annotated.avi")
    assert (float(rows[0][0]), float(rows[-1][2])) == pytest.approx((0.0, expected[-1]), abs=0.1)
    assert all(before[2] == after[0] for before, after in pairwise(rows))
    assert len(written) == pytest.approx(len(expected), abs=1)
    assert written[-1] == pytest.approx(expected[-1], abs=0.1)
    assert f"Annotated video: {folder / 'annotated.avi'}" in lines
    assert "rtaction cam" in lines[-2]
    assert "rtaction teach" in lines[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell")
def test_a_camera_is_a_device_file() -> None:
    assert camera_present() is bool(list(Path("/dev").glob("video*")))
