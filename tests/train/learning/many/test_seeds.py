"""The same training with several seeds: what is shared, what differs, what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rtaction.errors import UsageError
from rtaction.train.learning.many import seeds
from rtaction.train.learning.many.seeds import SeedResult, saved_seeds, train_seeds
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.train.small_training import small_config, undrawn, untraced, write_squares


def _run(config: TrainConfig, output: Path, **options: Any) -> tuple[list[SeedResult], str]:
    said = StringIO()
    with untraced(config), undrawn():
        found = train_seeds(config, output, console=Console(file=said, width=200), **options)
    return found, said.getvalue()


@pytest.mark.slow
def test_seeds_share_a_split_and_differ_in_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_config(write_squares(tmp_path / "videos"), epochs=1, seed=3)
    output = tmp_path / "run"
    found, said = _run(config, output, seeds=2)
    assert [one.seed for one in found] == [3, 4]
    runs = [RunFolder(output / f"seed-{one.seed}") for one in found]
    assert (
        runs[0].split.read_text()
        == runs[1].split.read_text()
        == (output / "split.json").read_text()
    )
    losses = [run.read_history()[0]["loss"] for run in runs]
    assert losses[0] != losses[1]
    assert [one.val_loss for one in found] == [run.read_history()[0]["val_loss"] for run in runs]
    plan = json.loads((output / "seeds.json").read_text())
    shares = [one.accuracies["validation videos"] for one in found]
    assert plan["accuracies"]["validation videos"] == {
        "mean": pytest.approx(np.mean(shares)),
        "standard_deviation": pytest.approx(np.std(shares, ddof=1)),
    }
    best = min(found, key=lambda one: one.val_loss)
    assert f"lowest validation loss: {RunFolder(output / f'seed-{best.seed}').model}" in said
    assert saved_seeds(output) == 2

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("nothing is trained twice")

    monkeypatch.setattr(seeds, "train", fail)
    again, said = _run(config, output, seeds=2, resume=True)
    assert again == found
    assert said.count("already finished") == 2
    with pytest.raises(UsageError, match="already holds trainings; add --resume"):
        _run(config, output, seeds=2)
    with pytest.raises(UsageError, match="other settings"):
        _run(replace(config, dropout=0.3), output, seeds=2, resume=True)
