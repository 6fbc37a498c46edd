"""Scores become probabilities by one number, and keep their order."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.evaluation.temperature import (
    at_temperature,
    each_at_temperature,
    logits_of,
    temperature_of,
    temperature_of_each,
)


@pytest.mark.parametrize(("share_right", "least", "most"), [(1.0, 0.9, 0.99), (0.75, 0.7, 0.8)])
def test_probabilities_are_as_sure_as_they_are_right(
    share_right: float, least: float, most: float
) -> None:
    labels = np.zeros(100, np.intp)
    logits = np.tile([1.0, 0.0], (100, 1))
    logits[round(100 * share_right) :] = [0.0, 1.0]

    temperature = temperature_of(logits, labels, np.ones(100), label_smoothing=0.05)

    probability = 1 / (1 + np.exp(-1 / temperature))
    assert least <= probability <= most


def test_the_temperature_of_drawn_labels_is_found() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(20_000, 4)) * 2
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(4, p=row) for row in scores])
    overconfident = 3 * logits

    found = temperature_of(overconfident, labels, np.ones(len(labels)), label_smoothing=1e-4)

    assert found == pytest.approx(3, rel=0.05)


def test_scores_at_a_temperature_are_those_of_divided_logits() -> None:
    logits = np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    halved = np.exp(logits / 2) / np.exp(logits / 2).sum(axis=1, keepdims=True)
    assert at_temperature(scores, 2.0) == pytest.approx(halved, abs=1e-6)
    assert at_temperature(scores, 1.0) == pytest.approx(scores, abs=1e-6)


def test_a_score_of_zero_stays_small() -> None:
    assert at_temperature(np.array([[1.0, 0.0]]), 2.0)[0, 1] < 1e-14
    assert np.isfinite(logits_of(np.array([[1.0, 0.0]]))).all()


def test_the_temperature_of_scores_that_stand_for_themselves_is_found() -> None:
    random = np.random.default_rng(0)
    true_logits = random.normal(0, 2, (4000, 3))
    truths = random.random((4000, 3)) < 1 / (1 + np.exp(-true_logits))
    too_sure = 1 / (1 + np.exp(-3 * true_logits))
    assert temperature_of_each(too_sure, truths, np.ones(4000)) == pytest.approx(3, rel=0.1)
    mended = each_at_temperature(too_sure.astype(np.float32), 3.0)
    assert mended == pytest.approx(1 / (1 + np.exp(-true_logits)), abs=6e-3)  # float32 ends
    # One item says too little to leave what is expected.
    few = temperature_of_each(too_sure[:1], truths[:1], np.ones(1), spread=0.1)
    assert few == pytest.approx(1, abs=0.1)
