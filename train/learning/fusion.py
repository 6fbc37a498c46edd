"""The weight by which the scores of two streams are averaged: chosen on validation clips.

Neither stream is trained for it, and no test clip is seen: what is chosen on clips flatters the
figures on them, so those of a test set are to be believed, or of a cross-validation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

from rtaction.modality import parts_of
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.learning.learner import load_saved
from rtaction.train.networks.streams import FUSION, streams_of
from rtaction.train.report.judged_clips import predict_scores
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder

Weights = tuple[float, float]

WEIGHTS = np.linspace(0.0, 1.0, 21)
"""The weights of the first stream that are tried; the second has the rest."""
_LEAST_SCORE = 1e-7


def fuse_streams(
    config: TrainConfig, folder: RunFolder, validation: ClipSet, console: Console
) -> Weights | None:
    """Choose the weights for the best network of a run, and save it with them.

    Args:
        config: the settings.
        folder: the run, with its best network.
        validation: the clips to choose on.
        console: to print to.

    Returns:
        The weight of each stream; None if the network does not have two.
    """
    network = load_saved(folder.best())
    streams = streams_of(network)
    if streams is None:
        return None
    weights = best_weights(predict_scores(streams, validation), validation.clip_labels)
    set_weights(network, weights)
    folder.save_best(network)
    said = " + ".join(
        f"{weight:.2f} x {name}"
        for weight, name in zip(weights, parts_of(config.modality), strict=True)
    )
    console.print(f"fusion: {said}, chosen on the validation clips", highlight=False)
    return weights


def best_weights(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.intp]) -> Weights:
    """The weights under which the mean scores have the least log loss.

    Args:
        scores: float32, shape (num_clips, 2, num_labels): of each stream.
        labels: intp, shape (num_clips,): the true ones.

    Returns:
        The weight of each stream; of equally good ones, the most even.
    """
    right = scores[np.arange(len(labels)), :, labels].astype(np.float64)  # (num_clips, 2)
    means = right @ np.stack([WEIGHTS, 1 - WEIGHTS])  # (num_clips, num_weights)
    losses = -np.log(np.maximum(means, _LEAST_SCORE)).mean(axis=0)
    order = np.argsort(np.abs(WEIGHTS - 0.5), kind="stable")
    first = float(WEIGHTS[order[np.argmin(np.round(losses[order], 9))]])
    return round(first, 6), round(1 - first, 6)


def set_weights(network: Any, weights: Weights) -> None:
    """Let a network average the scores of its streams with these weights."""
    network.get_layer(FUSION).set_weights([np.array(weights, np.float32)[:, np.newaxis]])
