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
    for package in {path.parent for path in users}:
        text = (package / "__init__.py").read_text(encoding="utf-8")
        assert "from rtaction import opencv as opencv" in text, package


def test_a_window_opens_after_videos_could_be_read() -> None:
    script = (
        "import sys, rtaction.teach.labelling; order = list(sys.modules); "
        "print(order.index('cv2') < order.index('av'))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True"
