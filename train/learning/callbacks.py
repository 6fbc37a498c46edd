"""What happens between the epochs of a training, so that it can be cut and go on."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rtaction.errors import MissingLibrary, TrainingFailed
from rtaction.keras_tensorflow import keras
from rtaction.train.settings.precision import float32_copy
from rtaction.train.settings.run_folder import HistoryRow, RunFolder, history_row


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
    """Keeps the best network, and after each epoch all that is needed to go on from it.

    The best is kept as it will be used: in float32, without the state of the training, and with the
    averages of the weights where there are some.

    Args:
        folder: where to.
        history: the epochs that have been finished.
        network: the whole of which a part may be what is trained.
        averages: what gives the network its averages for the time of a test. Default None.
        refit: whether another network will take its place as `model.keras`; then it is also kept
            as `validated.keras`. Default False.
    """

    def __init__(
        self,
        folder: RunFolder,
        history: list[HistoryRow],
        network: Any,
        averages: keras.callbacks.SwapEMAWeights | None = None,
        *,
        refit: bool = False,
    ) -> None:
        super().__init__()
        self._paths = [folder.validated, folder.model] if refit else [folder.model]
        self.history = history
        self._folder = folder
        self._network = network
        self._averages = averages
        self._best: Any = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save; the history comes last, since it says what is complete."""
        rate = float(self.model.optimizer.learning_rate.value.numpy())
        row = history_row(epoch + 1, logs or {}, rate)
        if not np.isfinite([row["loss"], row["val_loss"]]).all():
            raise TrainingFailed(
                f"in epoch {epoch + 1} the loss is no longer a number; take a --learning-rate "
                f"below {rate:g}, in a new folder. What was reached before stays in "
                f"{self._folder.path}"
            )
        best_before = min((old["val_loss"] for old in self.history), default=float("inf"))
        if row["val_loss"] < best_before:
            self._save_best()
        # After the best: Keras swaps weights and averages by adding and subtracting, which changes
        # their last bits, and those are what an unbroken training goes on with.
        self._folder.save_network(self.model, self._folder.resume_point(epoch + 1))
        self.history.append(row)
        self._folder.finish_epoch(self.history)

    def _save_best(self) -> None:
        if self._averages:
            self._averages.on_test_begin()
        if self._best is None:
            self._best = float32_copy(self._network)
        else:
            self._best.set_weights(self._network.get_weights())
        if self._averages:
            self._averages.on_test_end()
        for path in self._paths:
            self._folder.save_network(self._best, path)


def require_tensorboard() -> None:
    """See that TensorFlow can write what TensorBoard reads.

    Raises:
        MissingLibrary: it cannot, without the package `tensorboard`.
    """
    if find_spec("tensorboard") is None:
        raise MissingLibrary(
            "--tensorboard needs a package that is not installed; "
            "install it with: pip install tensorboard"
        )


class TensorBoardLog(keras.callbacks.TensorBoard):  # type: ignore[misc]
    """The figures of each epoch for TensorBoard, on disk as soon as the epoch has ended.

    Keras' own callback leaves them in memory for up to two minutes, where a kill takes them.
    Epochs and batches are counted on by a resumed training, as Keras counts on from its resume
    point.

    Args:
        folder: of the log; a resumed training adds a file to it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, write_graph=False)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Write."""
        super().on_epoch_end(epoch, logs)
        for writer in (self._train_writer, self._val_writer):
            writer.flush()
