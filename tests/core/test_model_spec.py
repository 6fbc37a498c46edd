from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rtaction.choices import Sampling
from rtaction.errors import ModelSpecError
from rtaction.model_spec import ModelSpec

SPEC = ModelSpec(
    labels=("nothing", "wave", "手を振る"),
    frames_per_clip=5,
    clip_seconds=1.0,
    height=112,
    width=96,
    modality="gray",
    background_label="nothing",
    label_thresholds={"wave": 0.8},
)


def test_json_brings_everything_back() -> None:
    assert ModelSpec.from_json(SPEC.to_json()) == SPEC


def test_that_labels_stand_for_themselves_is_written_only_where_they_do() -> None:
    plain = replace(SPEC, background_label=None)
    assert "multi_label" not in json.loads(plain.to_json())
    several = replace(plain, multi_label=True)
    assert json.loads(several.to_json())["multi_label"] is True
    assert ModelSpec.from_json(several.to_json()) == several
    assert not ModelSpec.from_json(plain.to_json()).multi_label


def test_a_temperature_is_written_only_where_there_is_one() -> None:
    """So that files without one are read by versions that know none."""
    assert "temperature" not in json.loads(SPEC.to_json())
    cooled = replace(SPEC, temperature=1.5)
    assert json.loads(cooled.to_json())["temperature"] == 1.5
    assert ModelSpec.from_json(cooled.to_json()) == cooled


def test_file_brings_everything_back(tmp_path: Path) -> None:
    SPEC.save(tmp_path / "spec.json")
    assert ModelSpec.load(tmp_path / "spec.json") == SPEC


def test_shapes_follow_from_the_fields() -> None:
    assert SPEC.clip_shape == (5, 112, 96, 1)
    assert replace(SPEC, modality="rgb").frame_shape == (112, 96, 3)
    assert SPEC.frame_interval_seconds == 0.25


def test_motion_takes_a_frame_more() -> None:
    moving = replace(SPEC, modality="rgb+flow")
    assert moving.clip_shape == (5, 112, 96, 5)
    assert moving.base_shape == (112, 96, 3)
    assert (moving.frames_per_window, moving.window_seconds) == (6, 1.25)
    assert (SPEC.frames_per_window, SPEC.window_seconds) == (5, 1.0)
    # The difference of two pictures is a clip of one.
    one = replace(SPEC, modality="diff", frames_per_clip=1)
    assert (one.frames_per_window, one.window_seconds) == (2, 2.0)


def test_a_label_may_have_its_own_threshold() -> None:
    assert [SPEC.threshold_of(label) for label in ("wave", "nothing")] == [0.8, 0.5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("one",)}, "at least two"),
        ({"labels": ("a", "a")}, "must differ"),
        ({"frames_per_clip": 0}, "frames_per_clip"),
        ({"frames_per_clip": True}, "frames_per_clip"),
        ({"clip_seconds": 0}, "clip_seconds"),
        ({"clip_seconds": float("nan")}, "clip_seconds"),
        ({"modality": "depth"}, "modality must be one of rgb"),
        ({"modality": "rgb+rgb"}, "modality must be one of rgb"),
        ({"modality": 3}, "modality"),
        ({"resize": "stretch"}, "resize"),
        ({"background_label": "idle"}, "background_label"),
        ({"threshold": 1.5}, "threshold"),
        ({"label_thresholds": {"jump": 0.5}}, "unknown labels"),
        ({"temperature": 0}, "temperature must be above 0"),
        ({"multi_label": 1}, "multi_label must be true or false, got 1"),
        (
            {"multi_label": True, "background_label": "nothing"},
            "with multi_label there is no background_label, got 'nothing'",
        ),
    ],
)
def test_bad_values_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelSpecError, match=message):
        replace(SPEC, **changes)


def _with(**changes: Any) -> str:
    return json.dumps(json.loads(SPEC.to_json()) | changes)


def _without(name: str) -> str:
    values = json.loads(SPEC.to_json())
    del values[name]
    return json.dumps(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be JSON"),
        ("[]", "must be a JSON object"),
        (_with(format_version=2), "format_version 1, got 2"),
        (_without("format_version"), "format_version 1, got None"),
        (_without("clip_seconds"), r"lacks \['clip_seconds'\]"),
        (_with(colour="red"), r"unknown \['colour'\]"),
        (_with(labels="wave"), "labels must be a list"),
        (_with(label_thresholds=[]), "label_thresholds must be an object"),
        (_with(height="tall"), "height"),
    ],
)
def test_other_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelSpecError, match=message):
        ModelSpec.from_json(text)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelSpecError, match=r"none\.json"):
        ModelSpec.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("modality", "frames", "least", "seconds"),
    [("rgb", 4, 4, 3.0), ("flow", 5, 5, 4.0), ("rgb+flow_stack", 24, 6, 3.4)],
)
def test_frames_of_the_source_in_a_window(
    modality: str, frames: int, least: int, seconds: float
) -> None:
    spec = ModelSpec(("a", "b"), 4, 3.0, 32, 32, modality=modality)
    assert (spec.frames_per_window, spec.least_frames) == (frames, least)
    assert spec.window_seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("sampling", "expected"), [("sliding", False), ("spread", True), ("segments", True)]
)
def test_some_clips_stand_for_whole_videos(sampling: Sampling, expected: bool) -> None:
    spec = ModelSpec(("a", "b"), 4, 3.0, 32, 32, sampling=sampling)
    assert spec.shows_whole_videos is expected
    assert ModelSpec.from_json(spec.to_json()) == spec
