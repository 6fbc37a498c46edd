"""The temperature that makes a network's scores probabilities.

Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599: logits divided by one
number keep their order, so no label changes, and their softmax comes close to the accuracy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

_TEMPERATURES = np.geomspace(0.02, 20, 301)
_LEAST_SCORE = 1e-30
_LEAST_SIGMOID = 1e-7  # float32 knows no number between 1 and 1 - 6e-8


def temperature_of(
    logits: npt.NDArray[Any],
    labels: npt.NDArray[np.intp],
    weights: npt.NDArray[Any],
    *,
    label_smoothing: float = 0.0,
    spread: float = math.inf,
) -> float:
    """The number to divide logits by, from 0.02 to 20.

    It minimises the cross-entropy. With hard labels and no other knowledge, predictions that were
    never wrong would get a probability of 1; `label_smoothing` or `spread` keeps them from it.

    Args:
        logits: of items that were not trained on; float, shape (num_items, num_labels).
        labels: of each item, shape (num_items,).
        weights: of the items, shape (num_items,); one that counts as a whole item has 1.
        label_smoothing: probability mass spread over all labels, below 1. Default 0.
        spread: how far the logarithm of the temperature is expected to be from 0 (the standard
            deviation of a normal prior). Default: anywhere.
    """
    num_labels = logits.shape[1]
    smoothed = np.full(logits.shape, label_smoothing / num_labels)
    smoothed[np.arange(len(labels)), labels] += 1 - label_smoothing
    losses = []
    for temperature in _TEMPERATURES:
        logs = _log_softmax(logits / temperature)
        surprise = (math.log(temperature) / spread) ** 2 / 2
        losses.append(surprise - float((weights[:, np.newaxis] * smoothed * logs).sum()))
    return float(_TEMPERATURES[int(np.argmin(losses))])


def temperature_of_each(
    scores: npt.NDArray[Any],
    truths: npt.NDArray[np.bool_],
    weights: npt.NDArray[Any],
    *,
    spread: float = math.inf,
) -> float:
    """The number to divide logits by whose sigmoids are the scores of labels by themselves.

    Args:
        scores: of items that were not trained on; float, shape (num_items, num_labels).
        truths: whether each item has each label; bool, of the same shape.
        weights, spread: see `temperature_of`.
    """
    logits = logits_of_each(scores)
    losses = []
    for temperature in _TEMPERATURES:
        # -log sigmoid(z) is log(1 + exp(-z)).
        loss = np.logaddexp(0, np.where(truths, -logits, logits) / temperature)
        surprise = (math.log(temperature) / spread) ** 2 / 2
        losses.append(surprise + float((weights[:, np.newaxis] * loss).sum()))
    return float(_TEMPERATURES[int(np.argmin(losses))])


def each_at_temperature(scores: npt.NDArray[Any], temperature: float) -> npt.NDArray[np.float32]:
    """As `at_temperature`, for scores that are sigmoids."""
    return np.asarray(1 / (1 + np.exp(-logits_of_each(scores) / temperature)), np.float32)


def logits_of_each(scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Logits whose sigmoids are these scores, float64; those nearer to 0 or 1 count as 1e-7."""
    inner = np.clip(scores.astype(np.float64), _LEAST_SIGMOID, 1 - _LEAST_SIGMOID)
    return np.asarray(np.log(inner / (1 - inner)), np.float64)


def at_temperature(scores: npt.NDArray[Any], temperature: float) -> npt.NDArray[np.float32]:
    """The scores that a network would give if its logits were divided by the temperature.

    Args:
        scores: softmax scores, shape (num_items, num_labels).
        temperature: above 0.

    Returns:
        float32, shape (num_items, num_labels).
    """
    return np.exp(_log_softmax(logits_of(scores) / temperature)).astype(np.float32)


def logits_of(scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Logits that give these softmax scores, float64; those below 1e-30 count as 1e-30."""
    return np.log(np.maximum(scores.astype(np.float64), _LEAST_SCORE))


def _log_softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    logits = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), np.float64)
