"""The JSON file: what its description promises is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import OutputError
from rtaction.evaluation.intervals import Interval, LabelledTime
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging import report as evaluation_report
from rtaction.realtime.judging.events import EventEvaluation, evaluate_events
from rtaction.realtime.judging.options import EvalOptions
from rtaction.realtime.judging.report import SCHEMA_VERSION, write_report
from rtaction.realtime.judging.videos import VideoEvaluation, evaluate_videos
from rtaction.realtime.judging.watched import Judged
from tests.realtime.conftest import prediction_of

SPEC = ModelSpec(("wave", "größe"), 5, 1.0, 8, 8)
JUDGED = Judged(Path("a.mp4"), (prediction_of(SPEC, (0.9, 0.1)),), 2.0)


def clips() -> VideoEvaluation:
    return evaluate_videos([Video(Path("a.mp4"), "wave", "a")], [JUDGED], SPEC)


def events() -> EventEvaluation:
    times = [LabelledTime(Path("a.mp4"), (Interval("wave", 0.0, 1.0, 2),), None)]
    return evaluate_events(times, [JUDGED], ["a"], SPEC)


def written(path: Path, found: VideoEvaluation | EventEvaluation, **changes: Any) -> dict[str, Any]:
    options = EvalOptions("v/", **changes)
    write_report(path, found, SPEC, model=Path("m.onnx"), options=options)
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


@pytest.mark.parametrize(("found", "kind"), [(clips(), "clips"), (events(), "events")])
def test_what_is_said_of_both_kinds(
    tmp_path: Path, found: VideoEvaluation | EventEvaluation, kind: str
) -> None:
    path = tmp_path / "new" / "report.json"

    told = written(path, found, group="(p)", stride_seconds=0.5)

    expected = {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "model": "m.onnx",
        "dataset": "v/",
        "group": "(p)",
        "clip_seconds": 1.0,
        "stride_seconds": 0.5,
        "confidence": 0.95,
    }
    assert {key: told[key] for key in expected} == expected
    assert written(path, found)["stride_seconds"] == 0.25
    assert "größe" in path.read_text(encoding="utf-8")
    # Nothing of one part hides something of the other.
    assert len(told) == len(expected) + len(found.to_dict())


@pytest.mark.parametrize("found", [clips(), events()])
def test_every_field_is_described(tmp_path: Path, found: VideoEvaluation | EventEvaluation) -> None:
    told = written(tmp_path / "report.json", found)
    assert evaluation_report.__doc__ is not None
    assert [key for key in told if key not in evaluation_report.__doc__] == []


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*report\.json"):
        written(tmp_path / "file" / "report.json", clips())
