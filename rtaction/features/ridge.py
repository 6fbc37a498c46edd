"""Kernel ridge regression in closed form, with leave-one-group-out predictions.

Windows are few and features many, so everything is computed from the windows' inner products. That
gives the predictions without any one group at almost no cost: with C the regularised kernel matrix
and a = C^-1 y, the residual on group G of the fit without G is (C^-1)_GG^-1 a_G (Pahikkala et al.
2006, "Fast n-fold cross-validation for regularized least-squares").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array

IndexArray = npt.NDArray[np.intp]

RIDGE = 0.2
"""Regularisation, as a multiple of the mean inner product of a window with itself."""

_LEAST_SPREAD = 0.1  # of a feature, as a share of the mean spread
_LEAST_SELF_PRODUCT = 1e-6  # standardised features have about 1


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Standardised features of windows: mean 0, and a spread of 1 times the root of the importance.

    Args:
        values: float64, shape (num_windows, num_features).
        mean: what was subtracted, shape (num_features,).
        spread: what was divided by, shape (num_features,).
    """

    values: Float64Array
    mean: Float64Array
    spread: Float64Array

    @classmethod
    def standardised(
        cls,
        features: npt.NDArray[Any],
        weights: Float64Array,
        importance: Float64Array,
        *,
        least_spread: float = _LEAST_SPREAD,
    ) -> Rows:
        """Standardise features.

        Args:
            features: shape (num_windows, num_features).
            weights: of the windows, shape (num_windows,), of mean 1.
            importance: of the features, shape (num_features,), of mean 1.
            least_spread: a feature that varies less than this share of the mean spread is divided
                by that share instead, so that it counts less. Default 0.1.
        """
        share = weights / weights.sum()
        values = np.asarray(features, np.float64)
        mean = share @ values
        values = values - mean
        spread = np.sqrt(share @ values**2)
        # A feature that hardly varies would otherwise be amplified until it drowns the others.
        spread = np.maximum(spread, max(least_spread * spread.mean(), 1e-12)) / np.sqrt(importance)
        return cls(values / spread, mean, spread)

    @property
    def kernel(self) -> Float64Array:
        """Inner products of windows, (num_windows, num_windows), divided by num_features."""
        return np.asarray(self.values @ self.values.T / self.values.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fit to windows.

    Args:
        held_out: leave-one-group-out predictions of the one-hot labels; shape
            (num_windows, num_labels).
        error: weighted mean squared error of those.
        duals: shape (num_windows, num_labels); the prediction for a row r is
            `r @ rows.T / num_features @ duals + offset`.
        offset: shape (num_labels,).
    """

    held_out: Float64Array
    error: float
    duals: Float64Array
    offset: Float64Array


def layer_of(fit: Fit, parts: Sequence[Rows]) -> tuple[list[Float64Array], Float64Array]:
    """A fit as a dense layer on the features themselves, before they were standardised.

    Args:
        fit: to the mean of the kernels of `parts`.
        parts: the windows' features, in one or more groups.

    Returns:
        Weights of each part, shape (num_features, num_labels), and one bias, (num_labels,).
    """
    weights, bias = [], fit.offset.copy()
    for rows in parts:
        own = rows.values.T @ fit.duals / (rows.values.shape[1] * len(parts))
        own /= rows.spread[:, np.newaxis]
        bias -= rows.mean @ own
        weights.append(own)
    return weights, bias


def fit(kernel: Float64Array, labels: IndexArray, groups: IndexArray, weights: Float64Array) -> Fit:
    """Fit one-hot labels.

    Args:
        kernel: inner products of windows, shape (num_windows, num_windows).
        labels: of each window, from 0, each label present; shape (num_windows,).
        groups: windows of one group are held out together; shape (num_windows,).
        weights: of the windows, of mean 1; shape (num_windows,).
    """
    targets = np.eye(labels.max() + 1)[labels]
    # Windows that all look alike give a kernel of zeros, which needs some regularisation too.
    ridge = RIDGE * max(float(np.trace(kernel)) / len(kernel), _LEAST_SELF_PRODUCT)
    # Adding 1 adds a constant feature, so that the offset is fitted along with the rest.
    matrix = kernel + 1.0 + np.diag(ridge / weights)
    inverse = np.linalg.inv(matrix)
    duals = inverse @ targets
    held_out = np.empty_like(targets)
    for group in np.unique(groups):
        own = np.flatnonzero(groups == group)
        residual = np.linalg.solve(inverse[np.ix_(own, own)], duals[own])
        held_out[own] = targets[own] - residual
    error = float(np.average(np.square(held_out - targets).mean(axis=1), weights=weights))
    return Fit(held_out, error, duals, duals.sum(axis=0))
