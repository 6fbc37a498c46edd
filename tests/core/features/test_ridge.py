"""The fit is ridge regression, and held-out predictions equal those of fits without the group."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.arrays import Float64Array
from rtaction.features import ridge


def _problem() -> tuple[Float64Array, ridge.IndexArray, ridge.IndexArray, Float64Array]:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), [1, 2, 3, 1, 2, 2, 1, 4])
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1])[groups]
    values = random.normal(size=(len(groups), 30)) + labels[:, np.newaxis] * 0.3
    weights = random.uniform(0.5, 1.5, len(groups))
    return values, labels, groups, weights


def test_held_out_predictions_are_those_of_fits_without_the_group() -> None:
    values, labels, groups, weights = _problem()
    kernel = values @ values.T / values.shape[1]
    strength = ridge.RIDGE * np.trace(kernel) / len(kernel)

    found = ridge.fit(kernel, labels, groups, weights)

    targets = np.eye(3)[labels]
    for group in range(8):
        rest, own = np.flatnonzero(groups != group), np.flatnonzero(groups == group)
        matrix = kernel[np.ix_(rest, rest)] + 1 + np.diag(strength / weights[rest])
        duals = np.linalg.solve(matrix, targets[rest])
        expected = (kernel[np.ix_(own, rest)] + 1) @ duals
        assert found.held_out[own] == pytest.approx(expected, abs=1e-9)


def test_the_fit_is_the_minimum_of_its_weighted_squares() -> None:
    values, labels, groups, weights = _problem()
    rows = np.column_stack([values / np.sqrt(values.shape[1]), np.ones(len(values))])
    kernel = values @ values.T / values.shape[1]
    strength = ridge.RIDGE * np.trace(kernel) / len(kernel)

    found = ridge.fit(kernel, labels, groups, weights)

    weighted = rows.T * weights
    solved = np.linalg.solve(weighted @ rows + strength * np.eye(31), weighted @ np.eye(3)[labels])
    assert kernel @ found.duals + found.offset == pytest.approx(rows @ solved, abs=1e-8)


def test_standardised_rows_have_mean_0_and_what_hardly_varies_stays_small() -> None:
    random = np.random.default_rng(0)
    features = random.normal(5, [1.0, 100.0, 1e-9], (50, 3)).astype(np.float32)

    rows = ridge.Rows.standardised(features, np.ones(50), np.ones(3))

    assert rows.values.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)
    assert rows.values[:, 1].std() == pytest.approx(1)
    assert rows.values[:, 2].std() < 1e-5


def test_windows_that_all_look_alike_get_the_shares_of_the_labels() -> None:
    labels, groups = np.array([0, 0, 0, 1]), np.arange(4)
    found = ridge.fit(np.zeros((4, 4)), labels, groups, np.ones(4))
    expected = [[2 / 3, 1 / 3]] * 3 + [[1.0, 0.0]]
    assert found.held_out == pytest.approx(np.array(expected), abs=1e-5)
