"""The last layer of a network whose other layers have nothing to learn, in closed form.

With a frozen encoder and a head that only pools, training is a linear fit to one vector for each
clip. Ridge regression finds it at once, see `rtaction.features.ridge`; `rtaction teach` does the
same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.errors import DatasetError
from rtaction.evaluation.temperature import temperature_of
from rtaction.features import ridge
from rtaction.features.modality_choice import Windows
from rtaction.features.statistics import statistics_importance
from rtaction.keras_tensorflow import keras
from rtaction.train.choices import HeadName
from rtaction.train.frozen.encoded import EncodedDataset
from rtaction.train.networks.build import FRAMES

POOLING_HEADS: tuple[HeadName, ...] = ("average", "max", "statistics", "pyramid")
"""Heads that have no weights."""

MOST_CLIPS = 8000
"""The fit takes memory with the square of the number of clips: 1.5 GB for as many."""

_LABEL_SMOOTHING = 0.05
_POOLED_AT_ONCE = 256


def fit_last_layer(network: Any, training: EncodedDataset, head: HeadName) -> None:
    """Set the last layer of a network, so that its scores are those of a ridge regression.

    Labels count alike, and so do the videos of a label and the clips of a video. The softmax gets
    the temperature at which predictions for groups that were left out are calibrated.

    Args:
        network: with a frozen encoder, a head of `POOLING_HEADS`, and a dense last layer.
        training: the clips to fit to, with their features.
        head: name of the head; changes over time count more in "statistics".

    Raises:
        DatasetError: there are more than `MOST_CLIPS` clips.
    """
    clips = training.clips
    if len(clips) > MOST_CLIPS:
        raise DatasetError(
            f"--solver ridge takes at most {MOST_CLIPS} clips, got {len(clips)}; use "
            "--solver steps, or a longer --stride-seconds"
        )
    pooled = _pooled_features(network, training)
    importance = np.ones(pooled.shape[1])
    if head == "statistics":
        importance = statistics_importance(*network.get_layer(FRAMES).output.shape[1:])
    _, groups = np.unique([video.group for video in clips.videos], return_inverse=True)
    windows = Windows.without_parts(
        np.bincount(clips.clip_videos).tolist(),
        [video.label for video in clips.videos],
        [video.group for video in clips.videos],
    )
    rows = ridge.Rows.standardised(pooled, windows.weights, importance)
    labels = clips.clip_labels
    fit = ridge.fit(rows.kernel, labels, groups[clips.clip_videos], windows.weights)
    temperature = temperature_of(
        fit.held_out, labels, windows.weights, label_smoothing=_LABEL_SMOOTHING
    )
    (weights,), bias = ridge.layer_of(fit, [rows])
    network.layers[-1].set_weights([weights / temperature, bias / temperature])


def _pooled_features(network: Any, training: EncodedDataset) -> Float32Array:
    """What the last layer takes, for each clip in order: float32, (num_clips, num_features)."""
    before = keras.Model(network.get_layer(FRAMES).output, network.layers[-1].input)
    num_clips = len(training.clips)
    found = []
    for start in range(0, num_clips, _POOLED_AT_ONCE):
        some = np.arange(start, min(start + _POOLED_AT_ONCE, num_clips))
        features = training.encoded.of(some, np.zeros_like(some))
        found.append(before.predict_on_batch(features))
    return np.concatenate(found)
