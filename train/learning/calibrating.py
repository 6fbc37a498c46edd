"""Calibrated scores: the network's logits are divided by a temperature fitted on validation.

Guo et al. 2017, arXiv 1706.04599. The temperature becomes part of the last layer's weights, so the
network costs nothing more, and its scores are calibrated wherever it runs.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console

from rtaction.evaluation.temperature import logits_of, temperature_of, temperature_of_each
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from rtaction.train.learning.learner import load_saved
from rtaction.train.networks.own import OwnNetwork
from rtaction.train.report.judged_clips import JudgedClips
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder

_SPREAD = math.log(2)  # scores of networks are often too sure by a factor of two


def calibrate(
    folder: RunFolder,
    spec: ModelSpec,
    validated: JudgedClips,
    console: Console,
    *,
    config: TrainConfig,
    own: OwnNetwork | None = None,
) -> ModelSpec:
    """Save the network of a run with calibrated scores, and its contract.

    Args:
        folder: the run.
        spec: the contract.
        validated: the validation clips with the scores of the best network as it was trained.
        console: where it is said if the network has no logits to divide.
        config: the settings. A refitted network gets the temperature of the validated one, as no
            clips are left to fit another one on.
        own: built the network, see `new_learner`. Default None.

    Returns:
        The contract with the temperature; 1 if the network cannot be calibrated.
    """
    path = folder.model if config.refit else folder.best()
    network = load_saved(path, own=own.objects if own else None)
    dense = layer_of_logits(network, multi_label=spec.multi_label)
    if dense is None:
        console.print(
            "scores are not calibrated: the network does not end in a dense layer and a "
            + ("sigmoid" if spec.multi_label else "softmax"),
            highlight=False,
        )
        return spec
    temperature = fitted_temperature(validated, may_sharpen=config.label_smoothing > 0)
    spec = replace(spec, temperature=round(temperature, 4))
    dense.set_weights([weights / spec.temperature for weights in dense.get_weights()])
    folder.save_network(network, folder.model)
    spec.save(folder.spec)
    return spec


def fitted_temperature(validated: JudgedClips, *, may_sharpen: bool = False) -> float:
    """The temperature for a network, from its scores of clips that it was not trained on.

    The clips of one video are alike, so together they count as one item. A few videos say little,
    so a temperature near 1 is expected until they say otherwise.

    Args:
        validated: clips that were not trained on, with the scores of the network.
        may_sharpen: whether it may be below 1. The epoch was chosen on the same clips, which makes
            them look easier than others, so only scores that were smoothed on purpose are
            sharpened. Default False.
    """
    clips = validated.clips
    weights = np.full(len(validated.scores), len(clips.videos) / len(validated.scores))
    if clips.truths is not None:
        found = temperature_of_each(validated.scores, clips.truths, weights, spread=_SPREAD)
    else:
        logits = logits_of(validated.scores)
        found = temperature_of(logits, clips.clip_labels, weights, spread=_SPREAD)
    return found if may_sharpen else max(found, 1.0)


def layer_of_logits(network: Any, *, multi_label: bool = False) -> Any | None:
    """The dense layer before, or with, the softmax of a network; None without one.

    Args:
        network: a `keras.Model`.
        multi_label: whether it should end in a sigmoid instead. Default False.
    """
    last = network.layers[-1]
    is_softmax = isinstance(last, keras.layers.Softmax) or _activation(last) == "softmax"
    if not (_activation(last) == "sigmoid" if multi_label else is_softmax):
        return None
    if isinstance(last, keras.layers.Dense):
        return last
    before = last.input._keras_history.operation
    is_linear = isinstance(before, keras.layers.Dense) and _activation(before) == "linear"
    return before if is_linear else None


def _activation(layer: Any) -> str | None:
    return getattr(getattr(layer, "activation", None), "__name__", None)
