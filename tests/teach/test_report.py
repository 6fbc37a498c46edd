"""The report: figures with intervals, and advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.teach.learning import JudgedTake, TaughtModel
from rtaction.teach.report import classification_of, report_lines


def _lesson(*takes: tuple[str, str | None, int]) -> TaughtModel:
    judged = [
        JudgedTake(
            Video(Path(f"{label}{number}"), label, f"{label}{predicted}{number}"), predicted, 0.9
        )
        for label, predicted, count in takes
        for number in range(count)
    ]
    labels = tuple(sorted({take.video.label for take in judged}))
    spec = ModelSpec(labels, 10, 1.8, 224, 224, modality="rgb+rgb_diff", background_label="nothing")
    return TaughtModel(spec, b"", tuple(judged), (), {})


def test_it_reports_the_accuracy_and_what_was_confused() -> None:
    taught = _lesson(
        ("wave", "wave", 8),
        ("wave", "clap", 2),
        ("clap", "clap", 10),
        ("nothing", "nothing", 9),
        ("nothing", "wave", 1),
    )
    judged = classification_of(taught.takes, taught.spec.labels)
    assert (judged.accuracy.value, judged.accuracy.count) == (0.9, 30)
    assert judged.accuracy.low == pytest.approx(0.744, abs=0.01)
    pairs = [(one.true_label, one.predicted_label, one.count) for one in judged.confused_pairs()]
    assert pairs == [("wave", "clap", 2), ("nothing", "wave", 1)]
    lines = report_lines(taught)
    assert lines[0] == "trained on 30 takes: clap 10, nothing 10, wave 10"
    assert "accuracy on 30 takes: 90.0 % (95 % interval: 74.4 to 96.5 %)" in lines
    assert "wave was predicted as clap in 2 of 10 takes" in lines
    assert any("other distances" in line for line in lines)
    assert any('"nothing" takes that look like wave' in line for line in lines)


def test_advice_for_two_that_are_confused_with_each_other_is_given_once() -> None:
    taught = _lesson(("wave", "clap", 2), ("clap", "wave", 2), ("nothing", "nothing", 20))
    assert sum("other distances" in line for line in report_lines(taught)) == 1


def test_an_action_predicted_as_nothing() -> None:
    taught = _lesson(("wave", "nothing", 2), ("wave", "wave", 8), ("nothing", "nothing", 10))
    assert any("nearer to the camera" in line for line in report_lines(taught))


def test_a_single_take_is_not_judged() -> None:
    taught = _lesson(("wave", None, 1), ("nothing", None, 1))
    lines = report_lines(taught)
    assert not classification_of(taught.takes, taught.spec.labels).accuracy.is_defined
    assert any("accuracy cannot be measured" in line for line in lines)
    assert any("only one take of it: nothing, wave" in line for line in lines)
