"""The loss and the figures of a network in training; those of two streams are each stream's own."""

from __future__ import annotations

from typing import Any

from rtaction.keras_tensorflow import keras
from rtaction.modality import parts_of
from rtaction.train.settings.config import TrainConfig

ops = keras.ops

Tensor = Any
STREAM_AXES = 3
"""Axes of the scores of streams, (batch, num_streams, num_labels)."""


def loss_and_metrics(config: TrainConfig, *, num_axes: int) -> tuple[Any, list[Any]]:
    """What a network is compiled with.

    Args:
        config: the settings.
        num_axes: of the network's output: 2 for scores, (batch, num_labels), 3 for those of
            streams, (batch, num_streams, num_labels).

    Returns:
        The loss and the metrics, with labels (batch, num_labels) for both, 1 for each that a clip
        has.
    """
    smoothing = config.label_smoothing
    if config.multi_label:
        return (
            keras.losses.BinaryCrossentropy(label_smoothing=smoothing),
            [keras.metrics.BinaryAccuracy("accuracy")],
        )
    if num_axes < STREAM_AXES:
        return (
            keras.losses.CategoricalCrossentropy(label_smoothing=smoothing),
            [keras.metrics.CategoricalAccuracy("accuracy")],
        )
    own = [
        _StreamAccuracy(number, f"{name}_accuracy")
        for number, name in enumerate(parts_of(config.modality))
    ]
    return StreamLoss(smoothing), [_StreamAccuracy(None, "accuracy"), *own]


class StreamLoss(keras.losses.Loss):  # type: ignore[misc]
    """The sum of the streams' cross-entropies: as they share no weight, each has its own.

    Args:
        label_smoothing: see `TrainConfig`. Default 0.
    """

    def __init__(self, label_smoothing: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss of each clip, (batch,), of labels (batch, L) and scores (batch, streams, L)."""
        each = [
            keras.losses.categorical_crossentropy(
                y_true, y_pred[:, stream], label_smoothing=self.label_smoothing
            )
            for stream in range(y_pred.shape[1])
        ]
        return ops.sum(ops.stack(each), axis=0)

    def get_config(self) -> dict[str, Any]:
        """Its settings, which Keras saves."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


class _StreamAccuracy(keras.metrics.Mean):  # type: ignore[misc]
    """Share of the clips whose highest score is that of their label, in one stream.

    Args:
        stream: its number; None takes the mean of all, as long as no weight is chosen.
        name: in the history.
    """

    def __init__(self, stream: int | None, name: str, **options: Any) -> None:
        super().__init__(name=name, **options)
        self.stream = stream

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Count a batch of labels (batch, L) and scores (batch, streams, L)."""
        scores = ops.mean(y_pred, axis=1) if self.stream is None else y_pred[:, self.stream]
        is_right = ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(scores, axis=-1))
        super().update_state(ops.cast(is_right, self.dtype))

    def get_config(self) -> dict[str, Any]:
        """Its settings, which Keras saves."""
        return {**super().get_config(), "stream": self.stream}
