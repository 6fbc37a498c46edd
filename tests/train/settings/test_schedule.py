from __future__ import annotations

import math

import pytest

from rtaction.train.settings.schedule import cosine_rate


def _curve(epochs: int) -> list[float]:
    return [cosine_rate(epoch, epochs=epochs, highest=0.8) for epoch in range(epochs)]


def test_the_way_up_is_in_equal_steps() -> None:
    assert _curve(60)[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_then_it_falls_as_half_a_cosine() -> None:
    curve = _curve(60)
    assert curve.index(max(curve)) == 3
    assert curve[3 + 19] == pytest.approx(0.8 * 0.5 * (1 + math.cos(math.pi / 3)))
    assert sorted(curve[3:], reverse=True) == curve[3:]
    assert 0.0 < curve[-1] < 0.8 / 1000


@pytest.mark.parametrize(("epochs", "warmup"), [(2, 1), (20, 1), (50, 2), (100, 5), (1000, 5)])
def test_the_way_up_is_a_twentieth_from_one_to_five(epochs: int, warmup: int) -> None:
    assert _curve(epochs).index(0.8) == warmup


def test_past_its_end_it_stays_at_zero() -> None:
    assert cosine_rate(70, epochs=60, highest=0.8) == pytest.approx(0.0)


def test_one_epoch_is_not_lost() -> None:
    assert _curve(1) == pytest.approx([0.4])
