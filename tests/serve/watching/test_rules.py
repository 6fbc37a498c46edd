"""What the page sets goes before the file."""

from __future__ import annotations

import pytest

from rtaction.model_spec import ModelSpec
from rtaction.realtime.actions.rules import ActionRules, layered
from rtaction.serve.watching.rules import actions_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
FILE = {"enter": 0.9, "exit": 0.85, "labels": {"wave": {"enter": 0.95, "min_seconds": 2.0}}}


def rules(thresholds: dict[str, float]) -> ActionRules:
    return ActionRules.for_model(SPEC, overrides=layered(FILE, actions_of(thresholds)))


def test_nothing_is_set() -> None:
    assert actions_of({}) == {}
    assert rules({}).of("wave").enter == 0.95


def test_of_all_labels_and_of_one() -> None:
    changed = rules({"*": 0.4, "clap": 0.5})
    assert (changed.of("wave").enter, changed.of("wave").min_seconds) == (0.4, 2.0)
    assert changed.of("wave").exit == pytest.approx(0.28)
    assert changed.of("clap").enter == 0.5
    assert changed.of("clap").exit == pytest.approx(0.35)


def test_of_one_only() -> None:
    changed = rules({"clap": 0.2})
    assert (changed.of("wave").enter, changed.of("wave").exit) == (0.95, 0.85)
    assert changed.of("clap").enter == 0.2
