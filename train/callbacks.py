"""What happens between the epochs of a training, so that it can be cut and go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rtaction.errors import TrainingFailed
from rtaction.keras_tensorflow import keras
from rtaction.train.run_folder import HistoryRow, RunFolder, history_row


class SeedEachEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Lets the epoch's number determine what dropout drops, so that resumed trainings do the same.

    Keras does not save the state of its random layers.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Runs before the first batch."""
        states = [v for v in self.model.variables if v.path.endswith("seed_generator_state")]
        for number, state in enumerate(states):
            state.assign(np.random.default_rng([self._seed, epoch, number]).integers(2**32, size=2))


class ReplayHistory(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives a resumed training's callbacks the past they have missed.

    Keras does not save the state of its callbacks; the figures of the finished epochs determine it.
    """

    def __init__(
        self, history: list[HistoryRow], learning_rate: float, callbacks: list[Any]
    ) -> None:
        super().__init__()
        self._history = history
        self._learning_rate = learning_rate
        self._callbacks = callbacks

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Runs after the others' `on_train_begin`, which empties them."""
        if not self._history:
            return
        self.model.optimizer.learning_rate = self._learning_rate
        for epoch, row in enumerate(self._history):
            for callback in self._callbacks:
                callback.on_epoch_end(epoch, dict(row))


class KeepRun(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the best network, and after each epoch all that is needed to go on from it."""

    def __init__(self, folder: RunFolder, history: list[HistoryRow]) -> None:
        super().__init__()
        self.history = history
        self._folder = folder

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save; the history comes last, since it says what is complete."""
        rate = float(self.model.optimizer.learning_rate)
        row = history_row(epoch + 1, logs or {}, rate)
        if not np.isfinite([row["loss"], row["val_loss"]]).all():
            raise TrainingFailed(
                f"in epoch {epoch + 1} the loss is no longer a number; take a --learning-rate "
                f"below {rate:g}, in a new folder. What was reached before stays in "
                f"{self._folder.path}"
            )
        best_before = min((old["val_loss"] for old in self.history), default=float("inf"))
        if row["val_loss"] < best_before:
            self._folder.save_network(self.model, self._folder.model)
        self._folder.save_network(self.model, self._folder.resume_point(epoch + 1))
        self.history.append(row)
        self._folder.finish_epoch(self.history)
