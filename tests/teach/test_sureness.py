"""What a person is told: figures with intervals, and what would help."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.model_spec import ModelSpec
from rtaction.teach.learning import JudgedTake, TaughtModel
from rtaction.teach.sureness import accuracy_of, mixed_up, told
from rtaction.video.labelled_videos import Video


def _lesson(*takes: tuple[str, str | None, int]) -> TaughtModel:
    judged = [
        JudgedTake(Video(Path(f"{label}{number}"), label, f"{label}{called}{number}"), called, 0.9)
        for label, called, count in takes
        for number in range(count)
    ]
    labels = tuple(sorted({take.video.label for take in judged}))
    spec = ModelSpec(labels, 10, 1.8, 224, 224, modality="rgb+rgb_diff", background_label="nothing")
    return TaughtModel(spec, b"", tuple(judged), (), {})


def test_it_tells_what_was_right_and_what_was_mixed_up() -> None:
    taught = _lesson(
        ("wave", "wave", 8),
        ("wave", "clap", 2),
        ("clap", "clap", 10),
        ("nothing", "nothing", 9),
        ("nothing", "wave", 1),
    )
    figure = accuracy_of(taught.takes)
    assert (figure.value, figure.count) == (0.9, 30)
    assert figure.low == pytest.approx(0.744, abs=0.01)
    assert mixed_up(taught.takes) == [("wave", "clap", 2), ("nothing", "wave", 1)]
    lines = told(taught)
    assert lines[0] == "learnt from 30 takes: clap 10, nothing 10, wave 10"
    assert "right on 27 of 30 takes that it had not seen: 90% (95 % interval 74% to 97%)" in lines
    assert "wave was taken for clap in 2 of 10 takes" in lines
    assert any("other distances" in line for line in lines)
    assert any('"nothing" takes that look like wave' in line for line in lines)


def test_advice_for_two_that_are_taken_for_each_other_is_given_once() -> None:
    taught = _lesson(("wave", "clap", 2), ("clap", "wave", 2), ("nothing", "nothing", 20))
    assert sum("other distances" in line for line in told(taught)) == 1


def test_an_action_taken_for_nothing() -> None:
    taught = _lesson(("wave", "nothing", 2), ("wave", "wave", 8), ("nothing", "nothing", 10))
    assert any("nearer to the camera" in line for line in told(taught))


def test_a_single_take_is_not_judged() -> None:
    taught = _lesson(("wave", None, 1), ("nothing", None, 1))
    lines = told(taught)
    assert not accuracy_of(taught.takes).is_defined
    assert any("cannot be told" in line for line in lines)
    assert any("but one take of it: nothing, wave" in line for line in lines)
