from __future__ import annotations

import numpy as np

from rtaction.export.agreement.agreement import Agreement
from rtaction.export.agreement.clips import make_clips
from rtaction.export.agreement.compare import Comparison, compare
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.smaller.half import halve
from tests.export.smaller_models import SPEC, conv_model


def comparison(old: float, new: float) -> Comparison:
    agreement = Agreement((0.0,) * 50, 0.5, 0.9, (old, new))
    return Comparison(agreement, (4_000_000, 1_000_000), {1: (4.0, 2.0), 2: (2.0, 1.0)})


def test_both_models_judge_the_same_clips() -> None:
    clips = make_clips(SPEC, num_clips=20)
    called = runner(conv_model())(clips)[0].argmax(axis=1)
    truths = np.where(np.arange(20) < 15, called, (called + 1) % 3)  # right on 15 of 20
    other = conv_model(seed=1)
    also = runner(other)(clips)[0].argmax(axis=1)
    found = compare(conv_model(), other, lambda numbers: clips[numbers], truths, threads=(1,))
    assert found.agreement.num_clips == 20
    assert found.agreement.accuracies == (0.75, (also == truths).mean())
    assert found.agreement.top_1_agreement == (called == also).mean()
    assert found.sizes == (len(conv_model()), len(other))
    assert all(0 < one < 1000 for one in found.encoder_ms[1])


def test_half_agrees_with_float() -> None:
    clips = make_clips(SPEC, num_clips=10)
    truths = np.zeros(10, np.intp)
    found = compare(conv_model(), halve(conv_model()), lambda n: clips[n], truths, threads=())
    assert found.agreement.top_1_agreement == 1.0
    assert found.agreement.lost_points == 0.0


def test_text_tells_all_figures() -> None:
    text = comparison(0.9, 0.88).to_text("int8")
    for part in ("90.0%", "88.0%", "50 clips, one is 2 points", "4.0 times smaller", "2.00x"):
        assert part in text
