from __future__ import annotations

import numpy as np
import pytest

from rtaction.train.choices import Balance
from rtaction.train.data.balance import balanced_order, class_weights, describe_balance

UNEVEN = np.repeat([0, 1, 2], [12, 4, 2])


def test_weights_are_inverse_to_the_clips_and_one_on_average() -> None:
    weights = class_weights(UNEVEN)
    assert weights == pytest.approx({0: 0.5, 1: 1.5, 2: 3.0})
    assert np.mean([weights[label] for label in UNEVEN.tolist()]) == pytest.approx(1.0)


def test_even_labels_weigh_one() -> None:
    assert class_weights(np.array([1, 0, 1, 0])) == {0: 1.0, 1: 1.0}


def test_a_label_without_clips_has_no_weight() -> None:
    assert class_weights(np.array([0, 2, 2, 2])) == pytest.approx({0: 2.0, 2: 2 / 3})


def test_every_label_is_drawn_equally_often() -> None:
    order = balanced_order(UNEVEN, np.random.default_rng(0))
    assert np.bincount(UNEVEN[order]).tolist() == [6, 6, 6]
    times = np.bincount(order, minlength=len(UNEVEN))
    assert times[:12].max() == 1
    assert sorted(times[12:16].tolist()) == [1, 1, 2, 2]
    assert times[16:].tolist() == [3, 3]


def test_draws_are_rounded_up_and_mixed() -> None:
    labels = np.repeat([0, 1], [9, 2])
    order = balanced_order(labels, np.random.default_rng(1))
    assert np.bincount(labels[order]).tolist() == [6, 6]
    assert labels[order].tolist() != sorted(labels[order].tolist())


def test_chance_determines_what_is_drawn() -> None:
    first, again, other = (balanced_order(UNEVEN, np.random.default_rng(n)) for n in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert set(other[UNEVEN[other] == 0].tolist()) != set(first[UNEVEN[first] == 0].tolist())


@pytest.mark.parametrize(
    ("balance", "words"),
    [
        ("none", "not balanced (--balance none)"),
        ("weights", "clips of a rarer label have more weight in the loss"),
        ("sampling", "each epoch draws every label equally often"),
    ],
)
def test_uneven_labels_are_told_with_their_counts(balance: Balance, words: str) -> None:
    said = describe_balance(("wave", "clap", "nothing"), UNEVEN, balance)
    assert said == f"uneven labels (wave 12, clap 4, nothing 2): {words}"


def test_even_labels_are_not_worth_a_line() -> None:
    assert describe_balance(("a", "b"), np.array([0, 1]), "weights") is None


def test_of_many_labels_the_extremes_are_told() -> None:
    labels = [f"l{number}" for number in range(10)]
    said = describe_balance(labels, np.repeat(np.arange(10), np.arange(1, 11)), "none")
    assert said is not None
    assert "(l9 10, l8 9, l7 8, l6 7, …, l3 4, l2 3, l1 2, l0 1)" in said
