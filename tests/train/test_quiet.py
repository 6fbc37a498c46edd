"""`rtaction train --quiet`: Rich prints by itself, and has to be told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rtaction.train.learning import fit
from rtaction.train.learning.many import cross_validation
from tests.conftest import Here


@pytest.mark.parametrize("folds", [(), ("--folds", "2")])
@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_the_console_of_a_training_is_as_loud_as_the_command(
    folds: tuple[str, ...],
    quiet: tuple[str, ...],
    here: Here,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def learn(*_: Any, console: Any, **__: Any) -> SimpleNamespace:
        console.print("epoch 1/1  loss 0.5")
        return SimpleNamespace(model=tmp_path / "model.keras")

    monkeypatch.setattr(fit, "train", learn)
    monkeypatch.setattr(cross_validation, "cross_validate", learn)

    exit_code, stdout, stderr = here("train", tmp_path, "-o", tmp_path / "run", *folds, *quiet)

    assert (exit_code, stdout) == (0, "")
    assert ("loss 0.5" in stderr) == (not quiet)
    assert ("wrote " in stderr) == (not quiet and not folds)
