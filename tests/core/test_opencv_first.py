"""OpenCV is loaded before PyAV: each brings a libxcb, and windows hang with that of PyAV."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.project import ROOT


def test_every_module_that_loads_pyav_has_loaded_opencv() -> None:
    wanted = re.compile(r"^(?:import av\b|from av[. ])", re.MULTILINE)
    folders = [ROOT / name for name in ("rtaction", "realtime", "train", "teach", "export")]
    files = {path.resolve() for folder in folders for path in folder.rglob("*.py")}
    users = [path for path in files if wanted.search(path.read_text(encoding="utf-8"))]
    assert len(users) > 5
    for path in users:
        package = (path.parent / "__init__.py").read_text(encoding="utf-8")
        before, _, _ = path.read_text(encoding="utf-8").partition("import av\n")
        by_package = "from rtaction import opencv as opencv" in package
        assert by_package or "from rtaction.opencv import cv2" in before, path


def test_a_window_opens_after_videos_could_be_read() -> None:
    script = (
        "import sys, rtaction.teach.labelling; order = list(sys.modules); "
        "print(order.index('cv2') < order.index('av'))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True"
