"""Networks need the TensorFlow backend of Keras; datasets need none in particular."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rtaction.errors import UsageError
from tests.project import ROOT


def run(*arguments: str, backend: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"KERAS_BACKEND": backend},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", [("train", "."), ("export", "m.keras")])
@pytest.mark.parametrize("backend", ["torch", "jax", "abacus"])  # the last is unheard of
def test_another_backend_is_told_before_anything_breaks(
    command: tuple[str, str], backend: str, tmp_path: Path
) -> None:
    ran = run("-m", "rtaction", *command, backend=backend, cwd=tmp_path)

    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    assert ran.stderr.startswith("error: training and export run on the TensorFlow backend")
    assert f"'{backend}'; run it again with KERAS_BACKEND=tensorflow" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_only_those_who_want_tensorflow_need_its_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Datasets, which import `keras` alone, work on any."""
    from rtaction import keras_tensorflow

    monkeypatch.setattr(keras_tensorflow.keras.config, "backend", lambda: "jax")
    for name in ("tensorflow", "saved_model_pb2", "op_def_registry"):
        monkeypatch.delitem(vars(keras_tensorflow), name, raising=False)
        with pytest.raises(UsageError, match="set to the backend 'jax'"):
            getattr(keras_tensorflow, name)
    with pytest.raises(AttributeError, match="no attribute 'torch'"):
        _ = keras_tensorflow.torch


def test_modules_that_make_datasets_want_no_tensorflow() -> None:
    wanted = re.compile(r"^from rtaction\.keras_tensorflow import .*tensorflow", re.MULTILINE)
    folders = [ROOT / "train" / name for name in ("data", "keras_video")]
    modules = [ROOT / "train" / "generators.py", *(m for one in folders for m in one.glob("*.py"))]
    texts = {module.name: module.read_text(encoding="utf-8") for module in modules}

    assert "from rtaction.keras_tensorflow import keras" in texts["clip_dataset.py"]
    assert [name for name, text in texts.items() if wanted.search(text)] == []


_GARBAGE = """
import gc
if {before!r} == "off":
    gc.disable()
import rtaction.keras_tensorflow
print(gc.isenabled(), gc.get_freeze_count() > 100_000)
"""


@pytest.mark.parametrize("before", ["on", "off"])
def test_garbage_is_searched_for_as_before_but_not_among_its_objects(before: str) -> None:
    script = _GARBAGE.format(before=before)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == f"{before == 'on'} True\n"
