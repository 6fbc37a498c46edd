"""A training without epochs: `--solver ridge`."""

from __future__ import annotations

import math
import time

from rich.console import Console

from rtaction.errors import UsageError
from rtaction.train.frozen.closed_form import POOLING_HEADS, fit_last_layer
from rtaction.train.frozen.encoded import EncodedDataset
from rtaction.train.learning.callbacks import KeepRun
from rtaction.train.learning.learner import Learner
from rtaction.train.settings.config import POSE, TrainConfig
from rtaction.train.settings.run_folder import HistoryRow, RunFolder


def require_solvable(config: TrainConfig) -> None:
    """Check that nothing but the last layer is to be learnt, if the solver is "ridge".

    Raises:
        UsageError: more is.
    """
    if config.solver != "ridge":
        return
    if config.modality == POSE or not config.pretrained or config.trainable_layers:
        raise UsageError(
            "--solver ridge needs an encoder that is not trained: give --pretrained and "
            "--trainable-layers 0, or leave --solver out"
        )
    if config.network == "convnet" or config.head not in POOLING_HEADS:
        raise UsageError(
            f"--solver ridge needs a head without weights, one of {', '.join(POOLING_HEADS)}; got "
            f"--head {config.head}"
        )
    if config.augment != "none":
        raise UsageError("--solver ridge sees each clip once, as it is: give --augment none")


def fit_at_once(
    learner: Learner,
    config: TrainConfig,
    folder: RunFolder,
    training: EncodedDataset,
    validation: EncodedDataset,
    console: Console,
) -> list[HistoryRow]:
    """Fit the last layer in closed form, and keep the network as after an epoch.

    Returns:
        One row.
    """
    started_seconds = time.monotonic()
    fit_last_layer(learner.network, training, config.head)
    seconds = time.monotonic() - started_seconds
    found = {
        name: learner.part.evaluate(side, verbose=0, return_dict=True)
        for name, side in (("", training), ("val_", validation))
    }
    figures = {f"{name}{key}": one[key] for name, one in found.items() for key in one}
    keeper = KeepRun(folder, [], learner.network)
    keeper.set_model(learner.part)
    keeper.on_epoch_end(0, figures)
    console.print(
        f"fitted in closed form in {math.ceil(seconds * 10) / 10:.1f} s: "
        f"val_loss {figures['val_loss']:.3f}  val_accuracy {figures['val_accuracy']:.3f}",
        highlight=False,
    )
    return keeper.history
