"""What is measured of two models' scores, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.errors import ParityError
from rtaction.export.agreement.agreement import Agreement, agreement_of
from rtaction.export.exporter import require_proof

SCORES = np.stack([np.linspace(0, 0.5, 8), np.linspace(1, 0.5, 8)], axis=1).astype(np.float32)


def test_good_figures_pass() -> None:
    found = agreement_of(SCORES, SCORES, SCORES + np.float32(1e-6))
    require_proof(found)
    assert found.max_difference == pytest.approx(1e-6, rel=0.1)
    assert (found.num_clips, found.spread, found.top_1_agreement) == (8, 0.5, 1.0)
    assert found.accuracies is None


@pytest.mark.parametrize("shape", [(8, 3), (7, 2), (8, 1), (16,)])
def test_scores_of_other_shapes_are_not_compared(shape: tuple[int, ...]) -> None:
    with pytest.raises(ParityError, match=r"arrays of shape \(8, 2\) and \("):
        agreement_of(SCORES, SCORES, np.zeros(shape, np.float32))


@pytest.mark.parametrize("way", [0, 1, 2])
@pytest.mark.parametrize(
    ("change", "message"),
    [(2e-4, "differ by up to 0.0002 on 1 of 8 clips"), (float("nan"), "does not match")],
)
def test_bad_figures_do_not(way: int, change: float, message: str) -> None:
    ways = [SCORES.copy() for _ in range(3)]
    ways[way][3, 1] += change
    with pytest.raises(ParityError, match=message):
        require_proof(agreement_of(SCORES, *ways))


@pytest.mark.parametrize("spread", [0.001, float("nan")])
def test_scores_that_hardly_vary_prove_nothing(spread: float) -> None:
    found = Agreement(differences=(1e-6,) * 8, spread=spread, top_1_agreement=1.0)
    with pytest.raises(ParityError, match=r"is inconclusive: over 8 clips.*--clips clips\.npz"):
        require_proof(found)


def test_labels_are_counted() -> None:
    other = SCORES[:, ::-1]  # the other label, but where both are equal
    truths = np.array([1, 1, 1, 1, 1, 1, 0, 0])
    found = agreement_of(SCORES, other, truths=truths)
    assert found.top_1_agreement == 0.125
    assert found.accuracies == (0.875, 0.25)
    assert found.lost_points == 62.5
    assert found.to_text("videos") == (
        "8 clips (videos): scores differ by at most 1.0e+00, vary by 0.5, top-1 agrees on 12.5%"
    )


def accuracies(first: float, second: float) -> Agreement:
    return Agreement((0.0,) * 50, 0.5, 0.9, (first, second))


@pytest.mark.parametrize(("new", "allowed"), [(0.88, 2.0), (0.95, 0.0), (0.9, 0.0)])
def test_what_may_be_lost_may_be_lost(new: float, allowed: float) -> None:
    agreement = accuracies(0.9, new)

    agreement.require_accuracy(max_lost_points=allowed, name="int8")

    assert agreement.lost_points == pytest.approx(100 * (0.9 - new))
    assert agreement.lost_points <= allowed + 1e-9


@pytest.mark.parametrize(("new", "allowed"), [(0.88, 1.99), (float("nan"), 50.0)])
def test_more_is_refused(new: float, allowed: float) -> None:
    with pytest.raises(ParityError, match=r"int8 loses .* points of accuracy on 50 clips"):
        accuracies(0.9, new).require_accuracy(max_lost_points=allowed, name="int8")
