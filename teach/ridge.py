"""Ridge regression in closed form, and what it says of takes that it was not fitted on.

Windows are few and features many, so all is computed from the windows' inner products. That gives
the fit without any one take for next to nothing: with C the matrix of the fit and a = C^-1 y, what
the fit without the take G misses there is (C^-1)_GG^-1 a_G (leave-one-out of kernel ridge
regression; Pahikkala et al. 2006, "Fast n-fold cross-validation for regularized least-squares").
This file knows nothing of pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array

IndexArray = npt.NDArray[np.intp]

RIDGE = 0.2  # as a multiple of the mean of the inner products of windows with themselves
_LEAST_SPREAD = 0.1  # of a feature, as a share of the mean spread
_SMOOTHING = 0.05
_SHARPNESSES = np.geomspace(0.5, 50, 200)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Features of windows, each brought to mean 0 and a spread of about 1, or as it counts.

    Args:
        values: float64, shape (num_windows, num_features).
        mean: what was taken away, shape (num_features,).
        spread: what was divided by, shape (num_features,).
    """

    values: Float64Array
    mean: Float64Array
    spread: Float64Array

    @classmethod
    def standardised(
        cls, features: npt.NDArray[np.floating], weights: Float64Array, counts: Float64Array
    ) -> Rows:
        """Standardise.

        Args:
            features: shape (num_windows, num_features).
            weights: how much each window counts, shape (num_windows,), of mean 1.
            counts: how much each feature counts, shape (num_features,), of mean 1.
        """
        share = weights / weights.sum()
        values = np.asarray(features, np.float64)
        mean = share @ values
        values = values - mean
        spread = np.sqrt(share @ values**2)
        # What hardly ever varied is not blown up until it is all that is seen.
        spread = np.maximum(spread, max(_LEAST_SPREAD * spread.mean(), 1e-12)) / np.sqrt(counts)
        return cls(values / spread, mean, spread)

    @property
    def kernel(self) -> Float64Array:
        """Inner products of windows, (num_windows, num_windows), by feature."""
        return np.asarray(self.values @ self.values.T / self.values.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fit to windows.

    Args:
        held_out: scores of each window by the fit without its take, 1 for its label and 0 for
            others where all is well; shape (num_windows, num_labels).
        error: mean square of what those miss.
        duals: shape (num_windows, num_labels); the score of a row r is
            `r @ rows.T / num_features @ duals + offset`.
        offset: shape (num_labels,).
    """

    held_out: Float64Array
    error: float
    duals: Float64Array
    offset: Float64Array


def fit(kernel: Float64Array, labels: IndexArray, takes: IndexArray, weights: Float64Array) -> Fit:
    """Fit scores to labels.

    Args:
        kernel: inner products of windows, shape (num_windows, num_windows).
        labels: of each window, from 0, all of them there; shape (num_windows,).
        takes: which windows belong together; shape (num_windows,).
        weights: how much each window counts, of mean 1; shape (num_windows,).
    """
    targets = np.eye(labels.max() + 1)[labels]
    ridge = RIDGE * float(np.trace(kernel)) / len(kernel)
    # The 1 is a feature that all share, so that the offset is fitted along with the rest.
    matrix = kernel + 1.0 + np.diag(ridge / weights)
    inverse = np.linalg.inv(matrix)
    duals = inverse @ targets
    held_out = np.empty_like(targets)
    for take in np.unique(takes):
        own = np.flatnonzero(takes == take)
        missed = np.linalg.solve(inverse[np.ix_(own, own)], duals[own])
        held_out[own] = targets[own] - missed
    error = float(np.average(np.square(held_out - targets).mean(axis=1), weights=weights))
    return Fit(held_out, error, duals, duals.sum(axis=0))


def sharpness_of(scores: Float64Array, labels: IndexArray, weights: Float64Array) -> float:
    """By what to multiply scores so that their softmax is as sure as they are right.

    The likeliest one, where a label is believed to be wrong in one of twenty cases; else scores
    that were never wrong would be taken for certain.

    Args:
        scores: of windows by fits that did not know them, shape (num_windows, num_labels).
        labels: of each window, shape (num_windows,).
        weights: how much each window counts, shape (num_windows,).
    """
    num_labels = scores.shape[1]
    believed = np.full(scores.shape, _SMOOTHING / num_labels)
    believed[np.arange(len(labels)), labels] += 1 - _SMOOTHING
    losses = []
    for sharpness in _SHARPNESSES:
        logits = scores * sharpness
        logits = logits - logits.max(axis=1, keepdims=True)
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        losses.append(float(-(weights[:, np.newaxis] * believed * logs).sum()))
    return float(_SHARPNESSES[int(np.argmin(losses))])
