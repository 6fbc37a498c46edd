"""The training loop: epoch after epoch, with what keeps, schedules and shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from rtaction.keras_tensorflow import keras
from rtaction.train.data.balance import weights_of
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.learning.callbacks import (
    KeepRun,
    ReplayHistory,
    SeedEachEpoch,
    TensorBoardLog,
)
from rtaction.train.learning.learner import Learner
from rtaction.train.learning.progress import ShowProgress
from rtaction.train.learning.shared_steps import shared
from rtaction.train.learning.summary import best_of
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import HistoryRow, RunFolder
from rtaction.train.settings.schedule import schedule_callback
from rtaction.train.settings.team import Team


def has_ended(config: TrainConfig, history: list[HistoryRow]) -> bool:
    """Whether there is nothing to go on with, as it stopped early or was solved at once."""
    if not history:
        return False
    return config.solver == "ridge" or len(history) - best_of(history)["epoch"] >= config.patience


def fit_by_steps(
    learner: Learner,
    history: list[HistoryRow],
    config: TrainConfig,
    folder: RunFolder,
    training: ClipDataset,
    validation: ClipDataset,
    console: Console,
    callbacks: Sequence[Any],
    team: Team,
) -> list[HistoryRow]:
    """Fit a learner to the end, from where it is.

    Args:
        learner: new, or resumed.
        history: its finished epochs.
        config: the settings.
        folder: the run, in which each epoch is kept.
        training: what to learn from; one worker's part of it.
        validation: what to validate on; one worker's part of it.
        console: where progress is shown.
        callbacks: of Keras, called after those of the training.
        team: the workers that fit it together.

    Returns:
        All finished epochs.

    Raises:
        TrainingFailed: the loss became NaN or infinite, or a worker is lost.
    """
    if history:
        console.print(f"resuming after epoch {len(history)}", highlight=False)
    schedule = schedule_callback(
        config.schedule,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        patience=max(config.patience // 3, 1),
    )
    stopper = keras.callbacks.EarlyStopping(patience=config.patience)
    network = learner.network
    averages = keras.callbacks.SwapEMAWeights() if config.ema else None
    keeper = KeepRun(folder, history, network, averages, learner.part)
    is_logged = config.tensorboard and team.is_chief
    weights = weights_of(training.clips, config.balance)
    replay = ReplayHistory(list(history), config.learning_rate, [schedule, stopper])
    team.begin_alike(network.weights, config.facts, _names_of(training), history)
    shared(learner.part, config, team).fit(
        training,
        validation_data=validation,
        initial_epoch=len(history),
        epochs=max(config.epochs, len(history)),
        shuffle=False,  # the dataset shuffles clips; Keras would shuffle batches with a global seed
        verbose=0,
        class_weight=weights,
        callbacks=[
            ShowProgress(console, config.epochs),
            SeedEachEpoch(config.seed, team.number),
            schedule,
            stopper,
            replay,
            *([averages] if averages else []),
            *([TensorBoardLog(folder.path / "tensorboard")] if is_logged else []),
            keeper,
            *callbacks,
        ],
    )
    return keeper.history


def _names_of(clips: ClipDataset) -> list[tuple[str, str]]:
    """What is learnt from, as it is called on any host."""
    return [(video.path.name, video.label) for video in clips.clips.videos]
