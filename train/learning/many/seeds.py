"""The same training with several seeds, to see what is chance.

All use the same split; each has its own initial weights, order of the clips, dropout and
augmentation.

    seeds.json              the number of seeds and, once all are finished, their results
    train_config.json       the settings of all trainings
    split.json              the videos of training, validation and test
    seed-0/...              a training, see `run_folder`; with seed.json once it is finished
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from rtaction.errors import UsageError
from rtaction.evaluation.text import percent
from rtaction.jobs import Job, RunJobs
from rtaction.keras_tensorflow import keras
from rtaction.output_file import write_json
from rtaction.train.data.split import Split
from rtaction.train.learning.fit import train
from rtaction.train.learning.many.jobs import all_done
from rtaction.train.learning.progress import CleanConsole
from rtaction.train.learning.result import TrainResult
from rtaction.train.learning.summary import best_of
from rtaction.train.learning.training_data import OpenPoseNetworks, find_and_split
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from rtaction.train.settings.several_labels import require_separable

_PLAN = "seeds.json"
_RESULT = "seed.json"


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What a training with one seed reached.

    Args:
        seed: of the weights, the order, dropout and augmentation.
        num_epochs: finished epochs.
        val_loss: the lowest validation loss.
        accuracies: shares of right predictions, 0 to 1, by what was predicted, such as
            "validation videos" or "test clips".
    """

    seed: int
    num_epochs: int
    val_loss: float
    accuracies: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "seed": self.seed,
            "num_epochs": self.num_epochs,
            "val_loss": self.val_loss,
            "accuracies": self.accuracies,
        }

    @classmethod
    def of(cls, seed: int, result: TrainResult, folder: RunFolder) -> SeedResult:
        """The figures of a finished training."""
        accuracies = {}
        for side, judged in (("validation", result.validation), ("test", result.test)):
            if judged is not None:
                accuracies[f"{side} videos"] = round(judged.by_video.accuracy.value, 6)
                accuracies[f"{side} clips"] = round(judged.by_clip.accuracy.value, 6)
        val_loss = best_of(folder.read_history())["val_loss"]
        return cls(seed, result.num_epochs, val_loss, accuracies)


def train_seeds(
    config: TrainConfig,
    output: Path,
    *,
    seeds: int,
    resume: bool = False,
    console: Console | None = None,
    open_networks: OpenPoseNetworks | None = None,
    run_jobs: RunJobs | None = None,
) -> list[SeedResult]:
    """Train once for each seed from `config.seed` on, and print how much the results differ.

    Args:
        config: settings of each training; its seed also makes the split that all share.
        output: folder for the result.
        seeds: number of seeds, 2 or more.
        resume: keep what is finished and continue with the others; there may be more seeds than
            before. Default False.
        console: where progress is shown. Default: stderr.
        open_networks: see `train`. Default None.
        run_jobs: trains with several seeds at once; they get the figures that they get in a row.
            Default None, in a row.

    Raises:
        UsageError: the settings do not fit the folder.
        TrainingFailed: a training has failed; all others are finished first, and kept.
        DatasetError, OutputError, MissingLibrary: see `rtaction.errors`.
    """
    console = console or CleanConsole(stderr=True)
    if config.multi_label:
        raise UsageError("--seeds compares accuracies, which --multi-label does not have")
    require_separable(config)
    folder = RunFolder(output)
    if resume:
        folder.check(config, resume=True)
        split = folder.read_split()
    else:
        if folder.history.exists() or (output / _PLAN).exists():
            raise UsageError(
                f"{output} already holds trainings; add --resume to continue them, or choose "
                "another folder with -o"
            )
        split = find_and_split(config, console)
    config.save(folder.config)
    folder.save_split(split)
    write_json(output / _PLAN, {"seeds": seeds})
    jobs: dict[str, Job] = {
        f"seed {seed}": partial(
            _result_of, output / f"seed-{seed}", config, split, seed, open_networks
        )
        for seed in range(config.seed, config.seed + seeds)
    }
    results: list[SeedResult] = all_done(
        jobs, run_jobs, console, f"what is finished is kept in {output}"
    )
    rows = [one.to_dict() for one in results]
    write_json(output / _PLAN, {"seeds": seeds, "results": rows} | _spread(results), indent=1)
    _print(console, results, output)
    return results


def saved_seeds(output: Path) -> int | None:
    """The number of seeds of the trainings in a folder; None if there are none.

    Raises:
        UsageError: the file is damaged.
    """
    if not (output / _PLAN).exists():
        return None
    return int(_read(output / _PLAN)["seeds"])


def _result_of(
    path: Path,
    config: TrainConfig,
    split: Split,
    seed: int,
    open_networks: OpenPoseNetworks | None,
    console: Console | None = None,
) -> SeedResult:
    """The result with one seed: read if it is finished, else trained or resumed."""
    console = console or CleanConsole(stderr=True)
    folder = RunFolder(path)
    if (path / _RESULT).exists():
        console.print("already finished", highlight=False)
        return SeedResult(**_read(path / _RESULT))
    begun = folder.history.exists()
    config = replace(config, seed=seed)
    if begun and config.chosen_but is not None:
        config = config.with_picks_of(TrainConfig.load(folder.config))
    result = train(
        config, path, resume=begun, split=split, console=console, open_networks=open_networks
    )
    found = SeedResult.of(seed, result, folder)
    write_json(path / _RESULT, found.to_dict(), indent=1)
    keras.utils.clear_session()  # otherwise each training leaves its graphs in memory
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        needed = ("seeds",) if path.name == _PLAN else tuple(SeedResult.__slots__)
        return {name: found[name] for name in needed}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"cannot read {path}: {error!r}; delete it to train again") from None


def _spread(results: Sequence[SeedResult]) -> dict[str, Any]:
    """Mean and standard deviation of each accuracy."""
    spread = {}
    for name in results[0].accuracies:
        values = [one.accuracies[name] for one in results]
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        spread[name] = {"mean": float(np.mean(values)), "standard_deviation": deviation}
    return {"accuracies": spread}


def _print(console: Console, results: Sequence[SeedResult], output: Path) -> None:
    names = list(results[0].accuracies)
    table = Table(title="Accuracy by seed", title_justify="left")
    for column in ("seed", "epochs", "val_loss", *names):
        table.add_column(column, justify="right")
    for one in results:
        shares = [percent(one.accuracies[name]) for name in names]
        table.add_row(str(one.seed), str(one.num_epochs), f"{one.val_loss:.3f}", *shares)
    spread = _spread(results)["accuracies"]
    table.add_section()
    table.add_row("mean", "", "", *(percent(spread[name]["mean"]) for name in names))
    if len(results) > 1:
        deviations = [percent(spread[name]["standard_deviation"]) for name in names]
        table.add_row("deviation", "", "", *deviations)
    console.print()
    console.print(table)
    best = min(results, key=lambda one: one.val_loss)
    console.print(
        f"lowest validation loss: {RunFolder(output / f'seed-{best.seed}').model}; its figures on "
        "the validation videos flatter it, as they chose it",
        highlight=False,
        soft_wrap=True,
    )
