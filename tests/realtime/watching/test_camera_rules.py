"""What makes an event of a camera: its table over that of all, its labels and its zones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.pose.region import Region, Zone
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.cameras.address import Address
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.watching.camera_rules import SourceRules, check_labels, source_rules
from tests.person_model import PERSON_SPEC

SPEC = replace(PERSON_SPEC, labels=("wave", "fall", "kick", "nothing"), background_label="nothing")
WHOLE = ModelSpec(("wave", "fall", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
CAMERA = Camera(Address("webcam", 0, "webcam 0"), "door")
SQUARE = Region.of([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("lower", "upper", "given", "expected"),
    [
        ({}, {}, {}, {"wave": 0.5, "fall": 0.5}),
        ({"enter": 0.6}, {}, {}, {"wave": 0.6, "fall": 0.6}),
        ({"enter": 0.6}, {"enter": 0.7}, {}, {"wave": 0.7, "fall": 0.7}),
        ({"enter": 0.6}, {"labels": {"fall": {"enter": 0.9}}}, {}, {"wave": 0.6, "fall": 0.9}),
        # What a camera says of all labels also holds for those that the file names.
        ({"labels": {"fall": {"enter": 0.9}}}, {"enter": 0.7}, {}, {"wave": 0.7, "fall": 0.7}),
        (
            {"labels": {"fall": {"enter": 0.9}}},
            {"labels": {"wave": {"enter": 0.8}}},
            {},
            {"wave": 0.8, "fall": 0.9},
        ),
        (
            {"enter": 0.6},
            {"labels": {"fall": {"enter": 0.9}}},
            {"enter": 0.55},
            {"wave": 0.55, "fall": 0.55},
        ),
    ],
)
def test_whose_thresholds_hold(
    lower: dict[str, Any], upper: dict[str, Any], given: dict[str, Any], expected: dict[str, float]
) -> None:
    spec = replace(SPEC, threshold=0.5, label_thresholds={})
    rules = source_rules(replace(CAMERA, actions=upper), spec, actions=lower, given=given).rules
    assert {label: rules.of(label).enter for label in expected} == pytest.approx(expected)


def test_other_keys_of_a_label_stay() -> None:
    lower = {"labels": {"fall": {"enter": 0.9, "cooldown_seconds": 7.0}}}
    rules = source_rules(replace(CAMERA, actions={"enter": 0.7}), SPEC, actions=lower).rules
    assert rules.of("fall").cooldown_seconds == 7.0
    assert rules.of("fall").enter == 0.7


@pytest.mark.parametrize(
    ("labels", "zones", "standing", "counting"),
    [
        (None, {}, [], None),
        (["wave"], {}, [], {"wave"}),
        (None, {"porch": ["fall"]}, [], set()),
        (None, {"porch": ["fall"]}, ["porch"], {"fall"}),
        (None, {"porch": ["fall"], "garden": None}, ["porch"], {"fall"}),
        (None, {"porch": ["fall"], "garden": None}, ["porch", "garden"], None),
        (None, {"porch": ["fall"], "steps": ["kick"]}, ["porch", "steps"], {"fall", "kick"}),
        (["wave", "fall"], {"porch": ["fall", "kick"]}, ["porch"], {"fall"}),
        (["wave"], {"garden": None}, ["garden"], {"wave"}),
        (["wave"], {"garden": None}, [], set()),
        (None, {"porch": ["fall"]}, ["elsewhere"], set()),
    ],
)
def test_which_labels_count_where(
    labels: list[str] | None,
    zones: dict[str, list[str] | None],
    standing: list[str],
    counting: set[str] | None,
) -> None:
    rules = SourceRules(
        ActionRules.for_model(SPEC),
        None if labels is None else tuple(labels),
        tuple(
            Zone(name, SQUARE, None if there is None else tuple(there))
            for name, there in zones.items()
        ),
    )
    counted: Iterable[str] | None = rules.counting(standing)
    assert (None if counted is None else set(counted)) == counting


@pytest.mark.parametrize(
    ("changes", "spec", "message"),
    [
        ({"labels": ("wav",)}, SPEC, "labels of 'door': .* no label 'wav'.* wave, fall, kick"),
        ({"labels": ("nothing",)}, SPEC, "labels of 'door': .* no label 'nothing'"),
        ({"zones": (Zone("p", SQUARE, ("fal",)),)}, SPEC, "zones.p.labels of 'door': .* 'fal'"),
        ({"zones": (Zone("p", SQUARE),)}, WHOLE, "zones of 'door' is for models of people"),
        ({"region": SQUARE}, WHOLE, "region of 'door' is for models of people"),
        ({"actions": {"entr": 1}}, SPEC, r"unknown key actions\.entr;.*\[camera\.actions\] of 'do"),
        ({"actions": {"labels": {"wav": {}}}}, SPEC, r"actions\.labels\.wav;.*of 'door'"),
        ({"actions": {"enter": 7}}, SPEC, r"actions\.enter must be a score .* of 'door'"),
        ({"actions": {"labels": [1]}}, SPEC, r"actions\.labels must be a table.* of 'door'"),
    ],
)
def test_what_its_model_cannot_do_is_named(
    changes: dict[str, Any], spec: ModelSpec, message: str
) -> None:
    camera = replace(CAMERA, **changes)
    with pytest.raises(UsageError, match=message):
        check_labels(camera, spec)
    with pytest.raises(UsageError, match=message):
        source_rules(camera, spec, actions={"enter": 0.9})


def test_the_file_is_not_taken_for_the_camera() -> None:
    with pytest.raises(UsageError, match=r"actions\.enter must be") as caught:
        source_rules(CAMERA, SPEC, actions={"enter": 7})
    assert "door" not in str(caught.value)


def test_what_can_be_done_is_no_error() -> None:
    camera = replace(CAMERA, labels=("wave",), zones=(Zone("p", SQUARE, ("fall",)),))
    check_labels(camera, SPEC)
    check_labels(replace(camera, zones=()), WHOLE)
