"""Pictures over WebRTC: the cases run in a process that has not loaded TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from rtaction.serve.web.routes import webrtc
from tests.project import ROOT

HERE = Path(__file__).parent
CASES = (
    str(HERE / "webrtc_cases.py"),
    f"{HERE / 'test_page.py'}::test_a_large_camera_is_a_video_where_that_works",
)


@pytest.mark.skipif(find_spec("aiortc") is None, reason="no aiortc")
def test_all_cases() -> None:
    options = ["-q", "-p", "no:cacheprovider", "-o", "addopts="]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *CASES],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout


def test_none_beside_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    assert "TensorFlow" in webrtc.why_not()
