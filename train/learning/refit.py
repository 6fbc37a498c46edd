"""The last training: on all videos, once those kept aside have told for how long.

What validation is kept aside for is the choice of the best epoch. That known, its videos are worth
more as examples, above all in small sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.data.balance import class_weights
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.learning.callbacks import SeedEachEpoch
from rtaction.train.learning.learner import encoded_datasets, new_learner
from rtaction.train.learning.progress import ShowProgress
from rtaction.train.learning.training_data import datasets
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.hardware import Hardware
from rtaction.train.settings.precision import float32_copy
from rtaction.train.settings.run_folder import HistoryRow, RunFolder, epochs_of_refit
from rtaction.train.settings.schedule import cosine_rate


def refit(
    config: TrainConfig,
    spec: ModelSpec,
    clips: Mapping[str, ClipSet],
    folder: RunFolder,
    history: list[HistoryRow],
    hardware: Hardware,
    console: Console,
) -> None:
    """Train a new network for as many epochs as were best, at the same rates, and keep it.

    A cosine that was followed to its end is followed to its end again: what comes before is not
    meant to be used, and the best epoch of a few videos is an accident.

    It is as long as the training before it and is begun anew where it was cut; the same seed gives
    the same network.

    Args:
        config: what to do.
        spec: shape of the clips, and labels.
        clips: those to train on are at "train" and "validation".
        folder: where `model.keras` is replaced.
        history: of the training that was validated.
        hardware: what to train on.
        console: where progress is shown.
    """
    num_epochs = epochs_of_refit(config, history)
    both = {**clips, "train": clips["train"].joined(clips["validation"])}
    console.print(
        f"training anew on all {len(both['train'].videos)} videos, for {num_epochs} epochs",
        highlight=False,
    )
    keras.utils.set_random_seed(config.seed)
    with hardware.scope():
        learner = new_learner(config, spec, both, hardware.precision)
    hardware.share(learner.part)
    training, _ = (
        datasets(config, both, first_epoch=0)
        if learner.is_whole
        else encoded_datasets(learner, config, both, console, first_epoch=0)
    )
    weights = class_weights(training.clips.clip_labels) if config.balance == "weights" else None
    learner.part.fit(
        training,
        epochs=num_epochs,
        shuffle=False,
        verbose=0,
        class_weight=weights,
        callbacks=[
            ShowProgress(console, num_epochs),
            SeedEachEpoch(config.seed),
            keras.callbacks.LearningRateScheduler(lambda epoch: _rate(epoch, config, history)),
        ],
    )  # Keras leaves averages of the weights in their place, where there are some
    folder.save_network(float32_copy(learner.network), folder.model)


def _rate(epoch: int, config: TrainConfig, history: Sequence[HistoryRow]) -> float:
    if config.schedule == "cosine":
        return cosine_rate(epoch, epochs=config.epochs, highest=config.learning_rate)
    # A row tells what the rate became at its end.
    return history[epoch - 1]["learning_rate"] if epoch else config.learning_rate
