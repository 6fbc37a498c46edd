"""Refit: train on all videos, for the number of epochs that was best in validation.

Validation videos are held out to choose the best epoch. Once that is known, they are worth more as
training examples, especially in small sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.data.balance import weights_of
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.frozen.closed_form import fit_last_layer
from rtaction.train.frozen.encoded import EncodedDataset
from rtaction.train.learning.callbacks import SeedEachEpoch
from rtaction.train.learning.fusion import Weights, set_weights
from rtaction.train.learning.learner import encoded_datasets, new_learner
from rtaction.train.learning.progress import ShowProgress
from rtaction.train.learning.shared_steps import shared
from rtaction.train.learning.training_data import datasets
from rtaction.train.networks.own import OwnNetwork
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
    fusion: Weights | None = None,
    own: OwnNetwork | None = None,
) -> None:
    """Train a new network for the best number of epochs, at the same learning rates, and save it.

    If a cosine schedule ran to its end, it does so again: earlier weights are not meant to be used,
    and the best epoch on a few videos is a coincidence.

    A refit takes as long as the training before it, and restarts if it was interrupted; the same
    seed gives the same network.

    Args:
        config: the settings.
        spec: the contract, for clip shape and labels.
        clips: the clips of each side; "train" and "validation" are trained on.
        folder: the run, in which `model.keras` is replaced.
        history: of the validated training.
        hardware: to train on.
        console: where progress is shown.
        fusion: weights of the streams of the validated network, which it takes over. Default None.
        own: builds the network, see `new_learner`. Default None.
    """
    num_epochs = epochs_of_refit(config, history)
    both = {**clips, "train": clips["train"].joined(clips["validation"])}
    how = "" if config.solver == "ridge" else f" for {num_epochs} epochs"
    console.print(f"refitting on all {len(both['train'].videos)} videos{how}", highlight=False)
    keras.utils.set_random_seed(config.seed)
    with hardware.scope():
        learner = new_learner(config, spec, both, hardware.precision, own)
    hardware.share(learner.part)
    team = hardware.team
    training, _ = (
        datasets(config, both, first_epoch=0, team=team)
        if learner.is_whole
        else encoded_datasets(learner, config, both, console, first_epoch=0, team=team)
    )
    if isinstance(training, EncodedDataset) and config.solver == "ridge":
        fit_last_layer(learner.network, training, config.head)
    else:
        team.begin_alike(learner.network.weights, "refit", num_epochs)
        part = shared(learner.part, config, team)
        _fit(part, training, config, history, num_epochs, console, team.number)
    if fusion is not None:
        set_weights(learner.network, fusion)
    folder.save_network(float32_copy(learner.network), folder.model)


def _fit(
    part: Any,
    training: ClipDataset,
    config: TrainConfig,
    history: Sequence[HistoryRow],
    num_epochs: int,
    console: Console,
    worker: int,
) -> None:
    weights = weights_of(training.clips, config.balance)
    part.fit(
        training,
        epochs=num_epochs,
        shuffle=False,
        verbose=0,
        class_weight=weights,
        callbacks=[
            ShowProgress(console, num_epochs),
            SeedEachEpoch(config.seed, worker),
            keras.callbacks.LearningRateScheduler(lambda epoch: _rate(epoch, config, history)),
        ],
    )  # with EMA, Keras leaves the averages in place of the weights


def _rate(epoch: int, config: TrainConfig, history: Sequence[HistoryRow]) -> float:
    if config.schedule == "cosine":
        return cosine_rate(epoch, epochs=config.epochs, highest=config.learning_rate)
    # A row holds the rate at the end of its epoch.
    return history[epoch - 1]["learning_rate"] if epoch else config.learning_rate
