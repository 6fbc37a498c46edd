"""Figures of predicted labels, by hand and against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from rtaction.evaluation.calibration import NUM_BINS
from rtaction.evaluation.classification import Classification, ConfusedPair
from rtaction.evaluation.estimate import share

LABELS = tuple("abcdefg")
NEVER_TRUE, NEVER_PREDICTED, NEITHER = 2, 4, 6
seeds = pytest.mark.parametrize("seed", range(20))


def random_items(seed: int) -> Classification:
    """Items of which one label is never true, one never predicted, one neither."""
    random = np.random.default_rng(seed)
    num_items = int(random.integers(20, 300))
    true = random.choice(np.setdiff1d(np.arange(7), [NEVER_TRUE, NEITHER]), num_items)
    scores = random.dirichlet(np.ones(7), num_items)
    scores[np.arange(num_items), true] += random.random(num_items)
    scores[:, [NEVER_PREDICTED, NEITHER]] *= 1e-3
    scores /= scores.sum(axis=1, keepdims=True)
    clusters = random.integers(0, 12, num_items)
    return Classification.from_scores(LABELS, true, scores, clusters)


def undefined_as_nan(values: list[float]) -> Any:
    return pytest.approx(values, nan_ok=True)


@seeds
def test_accuracy_confusion_and_top_k_are_those_of_scikit_learn(seed: int) -> None:
    found = random_items(seed)
    numbers = np.arange(7)

    assert found.accuracy.value == pytest.approx(accuracy_score(found.true, found.predicted))
    expected = confusion_matrix(found.true, found.predicted, labels=numbers)
    assert found.confusion.tolist() == expected.tolist()
    assert list(found.top_ks) == [2, 3, 5]
    for k, estimate in found.top_ks.items():
        expected = top_k_accuracy_score(found.true, found.scores, k=k, labels=numbers)
        assert estimate.value == pytest.approx(expected)
    assert found.top_k(1) == found.accuracy


@seeds
def test_precision_recall_and_f1_are_those_of_scikit_learn(seed: int) -> None:
    found = random_items(seed)
    precision, recall, f1, support = precision_recall_fscore_support(
        found.true, found.predicted, labels=np.arange(7), zero_division=np.nan
    )

    ours = list(found.by_label.values())
    assert [one.precision.value for one in ours] == undefined_as_nan(precision)
    assert [one.recall.value for one in ours] == undefined_as_nan(recall)
    assert [one.f1.value for one in ours] == undefined_as_nan(f1)
    assert [one.num_true for one in ours] == support.tolist()
    assert not found.by_label[LABELS[NEVER_TRUE]].recall.is_defined
    assert not found.by_label[LABELS[NEVER_PREDICTED]].precision.is_defined
    assert not found.by_label[LABELS[NEITHER]].f1.is_defined


@seeds
def test_calibration_is_that_of_scikit_learn(seed: int) -> None:
    found = random_items(seed)
    best_scores = np.asarray(found.scores).max(axis=1)
    accuracies, mean_scores = calibration_curve(
        found.true == found.predicted, best_scores, n_bins=NUM_BINS
    )

    filled = [one for one in found.calibration.bins if one.accuracy.is_defined]
    assert [one.accuracy.value for one in filled] == pytest.approx(accuracies)
    assert [one.mean_score for one in filled] == pytest.approx(mean_scores)
    weights = np.array([one.accuracy.count for one in filled]) / len(found)
    error = float(weights @ np.abs(accuracies - mean_scores))
    assert found.calibration.error.value == pytest.approx(error)


@seeds
def test_intervals_hold_the_value_and_know_clusters(seed: int) -> None:
    found = random_items(seed)
    assert found.accuracy == share(found.true == found.predicted, found.clusters)
    every = [found.accuracy, found.calibration.error, *found.top_ks.values()]
    for one in found.by_label.values():
        every += [one.precision, one.recall, one.f1]
    for estimate in every:
        if estimate.is_defined:
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


@seeds
def test_pooled_scores_are_means(seed: int) -> None:
    found = random_items(seed)
    # Owners whose items have one label and one cluster.
    owners = np.unique(np.stack([found.true, found.clusters]), axis=1, return_inverse=True)[1]

    pooled = found.pooled(owners)

    scores = np.asarray(found.scores)
    for owner in range(owners.max() + 1):
        own = owners == owner
        assert np.asarray(pooled.scores)[owner] == pytest.approx(scores[own].mean(axis=0))
        assert {pooled.true[owner]} == set(found.true[own])
        assert {pooled.clusters[owner]} == set(found.clusters[own])


def test_confused_pairs() -> None:
    found = Classification.from_names(
        ("a", "b", "c"), "aaaa" + "bbb" + "cc", "aabb" + "aab" + "cb", np.arange(9)
    )
    # Of two pairs with as many items, that of which they are the larger share comes first.
    assert found.confused_pairs() == [
        ConfusedPair("b", "a", 2, 3),
        ConfusedPair("a", "b", 2, 4),
        ConfusedPair("c", "b", 1, 2),
    ]
    assert found.majority == ("a", 4 / 9)


def test_unknown_labels_and_background() -> None:
    # One "a" and three items of an unknown label: background twice, and "a".
    found = Classification(
        ("a", "nothing"),
        np.array([0, 2, 2, 2]),
        np.array([0, 1, 1, 0]),
        np.arange(4),
        unknown_labels=("dance",),
        background_label="nothing",
    )
    assert (found.accuracy.value, found.accuracy.count) == (1.0, 1)
    assert found.accuracy_with_unknown.value == 3 / 4
    assert found.confused_pairs() == [ConfusedPair("dance", "a", 1, 3)]
    assert found.by_label["a"].precision.value == 1 / 2
    assert not found.by_label["nothing"].precision.is_defined
    assert found.confusion.tolist() == [[1, 0], [0, 0], [1, 2]]


def test_without_scores_there_is_no_top_k() -> None:
    found = Classification.from_names(("a", "b", "c"), "abc", "abb", np.arange(3))
    assert found.accuracy.value == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="needs the scores"):
        _ = found.top_ks
