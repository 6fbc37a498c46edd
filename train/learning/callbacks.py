"""Callbacks between the epochs of a training, which make it resumable."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rtaction.errors import MissingLibrary, OutputError, TrainingFailed
from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.train.settings.precision import float32_copy
from rtaction.train.settings.run_folder import HistoryRow, RunFolder, history_row


class SeedEachEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reseeds dropout from the epoch number, so that a resumed training repeats the same draws.

    Keras does not save the state of its random layers.

    Args:
        seed: of the training.
        worker: the number of this process, whose draws are its own. Default 0.
    """

    def __init__(self, seed: int, worker: int = 0) -> None:
        super().__init__()
        self._seed = seed
        self._worker = [worker] if worker else []

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Set the seeds before the first batch."""
        states = [v for v in self.model.variables if v.path.endswith("seed_generator_state")]
        for number, state in enumerate(states):
            random = np.random.default_rng([self._seed, epoch, number, *self._worker])
            state.assign(random.integers(2**32, size=2))


class ReplayHistory(keras.callbacks.Callback):  # type: ignore[misc]
    """Replays the finished epochs to the callbacks of a resumed training.

    Keras does not save the state of its callbacks, but the metrics of those epochs restore it.
    """

    def __init__(
        self, history: list[HistoryRow], learning_rate: float, callbacks: list[Any]
    ) -> None:
        super().__init__()
        self._history = history
        self._learning_rate = learning_rate
        self._callbacks = callbacks

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Replay; runs after the `on_train_begin` of the other callbacks, which resets them."""
        if not self._history:
            return
        self.model.optimizer.learning_rate = self._learning_rate
        for epoch, row in enumerate(self._history):
            for callback in self._callbacks:
                callback.on_epoch_end(epoch, dict(row))


class KeepRun(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the best network, and after each epoch a resume point.

    The best network is saved for inference: in float32, without optimizer state, and with averaged
    weights if there are any.

    Args:
        folder: the run.
        history: the finished epochs.
        network: the whole network, of which only a part may be trained.
        averages: swaps in the averaged weights for evaluation. Default None.
        part: the compiled part of it that is saved to resume from. Default: what is fitted.
    """

    def __init__(
        self,
        folder: RunFolder,
        history: list[HistoryRow],
        network: Any,
        averages: keras.callbacks.SwapEMAWeights | None = None,
        part: Any = None,
    ) -> None:
        super().__init__()
        self.history = history
        self._folder = folder
        self._network = network
        self._averages = averages
        self._part = part
        self._best: Any = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save; the history comes last, as it marks the epoch as complete."""
        rate = float(self.model.optimizer.learning_rate.value.numpy())
        row = history_row(epoch + 1, logs or {}, rate)
        if not np.isfinite([row["loss"], row["val_loss"]]).all():
            raise TrainingFailed(
                f"the loss became NaN or infinite in epoch {epoch + 1}; train with a "
                f"--learning-rate below {rate:g} into a new folder. The best network so far is in "
                f"{self._folder.path}"
            )
        best_before = min((old["val_loss"] for old in self.history), default=float("inf"))
        if row["val_loss"] < best_before and self._folder.is_written:
            self._save_best()
        # After saving the best: Keras swaps weights and averages by adding and subtracting, which
        # changes their last bits, and an uninterrupted training continues with those.
        part = self.model if self._part is None else self._part
        self._folder.save_network(part, self._folder.resume_point(epoch + 1))
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
        self._folder.save_best(self._best)


def require_tensorboard() -> None:
    """Check that TensorFlow can write TensorBoard logs.

    Raises:
        MissingLibrary: the package `tensorboard` is not installed.
    """
    if find_spec("tensorboard") is None:
        raise MissingLibrary(
            "--tensorboard needs a package that is not installed; "
            "install it with: pip install tensorboard"
        )


class TensorBoardLog(keras.callbacks.TensorBoard):  # type: ignore[misc]
    """Writes the metrics of each epoch for TensorBoard to disk as soon as the epoch ends.

    Keras' own callback buffers them for up to two minutes, so a killed process loses them. A
    resumed training continues to count epochs and batches from its resume point.

    Args:
        folder: of the log; a resumed training adds a file to it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, write_graph=False)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Write and flush.

        Raises:
            OutputError: the log cannot be written.
        """
        try:
            super().on_epoch_end(epoch, logs)
            for writer in (self._train_writer, self._val_writer):
                writer.flush()
        except tensorflow.errors.OpError as error:
            raise OutputError(f"cannot write {self.log_dir}: {error.message}") from None
