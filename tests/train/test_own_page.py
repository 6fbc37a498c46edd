"""docs/own_networks.md does what it says: its network is trained, resumed and exported.

Its trackers are not installed here, so that their blocks are only compiled.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from rtaction.onnx_format.file import OnnxFile
from rtaction.train.settings.run_folder import RunFolder
from tests.conftest import Here
from tests.project import ROOT
from tests.train.small_training import undrawn, write_squares

PAGE = (ROOT / "docs" / "own_networks.md").read_text(encoding="utf-8")
SMALLER = [
    *("--height", "32", "--width", "32"),
    *("--clip-seconds", "0.6", "--validation-fraction", "0.4"),
]


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "networks", raising=False)
    write_squares(tmp_path / "videos", {"right": 3, "down": 3})
    network, use, *trackers = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    train, resume, export = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0].strip().splitlines()
    (tmp_path / "networks.py").write_text(network)

    def command(line: str, *more: str) -> None:
        code, _, said = here(*shlex.split(line)[1:], *more)
        assert code == 0, said

    with undrawn():
        command(train, "--epochs", "1", *SMALLER)
        command(resume, "--epochs", "2")
        command(export)
        small = "epochs=1, height=32, width=32, clip_seconds=0.6, validation_fraction=0.4"
        names: dict[str, Any] = {}
        use = use.replace('"run/", ', "").replace("epochs=20", f"{small}, output='py'")
        exec(use, names)
    assert len(RunFolder(tmp_path / "run").read_history()) == 2
    assert OnnxFile.load(tmp_path / "model.onnx").spec.frames_per_clip == 8
    assert names["result"].num_epochs == 1
    assert len(trackers) == 2
    for block in trackers:
        compile(block, "docs/own_networks.md", "exec")
    sys.modules.pop("networks", None)
