"""The learning rate by epoch."""

from __future__ import annotations

import math
from typing import Any

from rtaction.keras_tensorflow import keras
from rtaction.train.choices import Schedule

_MAX_WARMUP_EPOCHS = 5


def cosine_rate(epoch: int, *, epochs: int, highest: float) -> float:
    """The rate of one epoch: a short linear warm-up, then half a cosine down.

    Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts; warm-up as in Goyal et al. 2017,
    arXiv 1706.02677. It depends only on the epoch's number, so a resumed training continues the
    same curve.

    Args:
        epoch: counted from 0.
        epochs: total number; a twentieth of them, from one to five, is the warm-up.
        highest: the rate after the warm-up.
    """
    warmup = min(max(round(epochs / 20), 1), _MAX_WARMUP_EPOCHS)
    if epoch < warmup:
        return highest * (epoch + 1) / (warmup + 1)
    done = min((epoch - warmup) / max(epochs - warmup, 1), 1.0)
    return highest * 0.5 * (1.0 + math.cos(math.pi * done))


def schedule_callback(
    schedule: Schedule, *, epochs: int, learning_rate: float, patience: int
) -> Any:
    """The Keras callback that sets the rate.

    Args:
        schedule: "plateau" divides it by four whenever the validation loss has not improved for
            `patience` epochs; "cosine" is `cosine_rate`.
        epochs: total number.
        learning_rate: at the start, or for "cosine" the highest.
        patience: epochs without improvement.
    """
    if schedule == "plateau":
        return keras.callbacks.ReduceLROnPlateau(factor=0.25, patience=patience, min_lr=1e-6)
    return keras.callbacks.LearningRateScheduler(
        lambda epoch: cosine_rate(epoch, epochs=epochs, highest=learning_rate)
    )
