from __future__ import annotations

import numpy as np
import pytest

from rtaction.errors import ParityError
from rtaction.export.agreement.compare import Comparison, compare, require_accuracy
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.agreement.parity import make_clips
from rtaction.export.smaller.half import halve
from tests.export.smaller_models import SPEC, conv_model


def comparison(old: float, new: float) -> Comparison:
    return Comparison(50, (old, new), 0.9, (4_000_000, 1_000_000), {1: (4.0, 2.0), 2: (2.0, 1.0)})


def test_both_models_judge_the_same_clips() -> None:
    clips = make_clips(SPEC, num_clips=20)
    called = runner(conv_model())(clips)[0].argmax(axis=1)
    truths = np.where(np.arange(20) < 15, called, (called + 1) % 3)  # right on 15 of 20
    other = conv_model(seed=1)
    also = runner(other)(clips)[0].argmax(axis=1)
    found = compare(conv_model(), other, lambda numbers: clips[numbers], truths, threads=(1,))
    assert found.num_clips == 20
    assert found.accuracies == (0.75, (also == truths).mean())
    assert found.top_1_agreement == (called == also).mean()
    assert found.sizes == (len(conv_model()), len(other))
    assert all(0 < one < 1000 for one in found.encoder_ms[1])


def test_half_agrees_with_float() -> None:
    clips = make_clips(SPEC, num_clips=10)
    truths = np.zeros(10, np.intp)
    found = compare(conv_model(), halve(conv_model()), lambda n: clips[n], truths, threads=())
    assert found.top_1_agreement == 1.0
    assert found.lost_points == 0.0


def test_text_tells_all_figures() -> None:
    text = comparison(0.9, 0.88).to_text("int8")
    for part in ("90.0%", "88.0%", "50 clips, one is 2 points", "4.0 times smaller", "2.00x"):
        assert part in text


@pytest.mark.parametrize(("new", "allowed"), [(0.88, 2.0), (0.95, 0.0), (0.9, 0.0)])
def test_what_may_be_lost_may_be_lost(new: float, allowed: float) -> None:
    require_accuracy(comparison(0.9, new), max_lost_points=allowed, name="int8")  # raises nothing


@pytest.mark.parametrize(("new", "allowed"), [(0.88, 1.99), (float("nan"), 50.0)])
def test_more_is_refused(new: float, allowed: float) -> None:
    with pytest.raises(ParityError, match=r"int8 loses .* points of accuracy on 50 clips"):
        require_accuracy(comparison(0.9, new), max_lost_points=allowed, name="int8")
