"""The file's rules, those of a camera before them, and what the page sets before both."""

from __future__ import annotations

import pytest

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.serve.watching.rules import rules_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")


def test_who_goes_first() -> None:
    actions = {"enter": 0.5, "min_seconds": 1.0, "labels": {"wave": {"enter": 0.6}}}
    own = {"enter": 0.7, "labels": {"clap": {"min_seconds": 2.0}}}
    rules = rules_of(SPEC, actions, own, {})
    assert (rules.of("wave").enter, rules.of("wave").min_seconds) == (0.6, 1.0)
    assert (rules.of("clap").enter, rules.of("clap").min_seconds) == (0.7, 2.0)


def test_the_page_sets_thresholds() -> None:
    actions = {"enter": 0.9, "exit": 0.85, "labels": {"wave": {"enter": 0.95}}}
    rules = rules_of(SPEC, actions, {}, {"*": 0.4, "clap": 0.5})
    assert rules.of("wave").enter == 0.4
    assert rules.of("wave").exit == pytest.approx(0.28)
    assert rules.of("clap").enter == 0.5
    assert rules.of("clap").exit == pytest.approx(0.35)
    assert rules_of(SPEC, actions, {}, {"gone": 0.1}).of("wave").enter == 0.95


def test_mistakes_are_told() -> None:
    with pytest.raises(UsageError, match=r"enter|threshold"):
        rules_of(SPEC, {}, {}, {"wave": 1.5})
    with pytest.raises(UsageError, match=r"actions\.labels"):
        rules_of(SPEC, {"labels": {"wave": 3}}, {}, {})
