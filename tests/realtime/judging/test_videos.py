"""Figures of videos and windows, by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import DatasetError
from rtaction.evaluation.estimate import wilson
from rtaction.labelled.videos import Video, find_videos
from rtaction.model_spec import ModelSpec
from rtaction.models import STARTER_MODEL
from rtaction.realtime.judging.videos import VideoEvaluation, evaluate_videos
from rtaction.realtime.judging.watched import Judged, judge_videos
from rtaction.realtime.model.action_model import ActionModel
from tests.realtime.conftest import prediction_of

SPEC = ModelSpec(("a", "b", "c"), 5, 1.0, 8, 8)
Rows = Sequence[Sequence[float]]
A, B, C = (0.8, 0.15, 0.05), (0.2, 0.7, 0.1), (0.1, 0.3, 0.6)


def judged_of(name: str, rows: Rows) -> Judged:
    """What a model said of a video; no rows are a video that is too short."""
    predictions = tuple(prediction_of(SPEC, scores) for scores in rows)
    return Judged(Path(name), predictions, 3.0, "" if rows else "too short")


def evaluated(*videos: tuple[str, str, Rows]) -> VideoEvaluation:
    """The evaluation of videos, each given as label, group and the scores of its windows."""
    listed = [
        Video(Path(f"{label}/{number}.mp4"), label, group or str(number))
        for number, (label, group, _) in enumerate(videos)
    ]
    judged = [
        judged_of(str(video.path), rows) for video, (_, _, rows) in zip(listed, videos, strict=True)
    ]
    return evaluate_videos(listed, judged, SPEC)


def test_a_worked_example() -> None:
    found = evaluated(
        ("a", "", [A, A, B]),  # right by its mean, one window wrong
        ("a", "", [B, B]),
        ("b", "", [B]),
        ("c", "", [C, C, A, A]),  # the mean is a's
    )

    assert found.windows.confusion.tolist() == [[2, 3, 0], [0, 1, 0], [2, 0, 2]]
    assert found.videos.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert found.windows.accuracy.value == pytest.approx(5 / 10)
    assert found.windows.accuracy.count == 10
    assert found.videos.accuracy.value == 2 / 4
    assert (found.videos.accuracy.low, found.videos.accuracy.high) == wilson(0.5, 4)
    assert [result.predicted for result in found.results] == ["a", "b", "b", "a"]
    a, b, c = found.videos.by_label.values()
    assert (a.num_true, a.precision.value, a.recall.value, a.f1.value) == (2, 0.5, 0.5, 0.5)
    assert (b.num_true, b.precision.value, b.recall.value) == (1, 0.5, 1.0)
    assert b.f1.value == pytest.approx(2 / 3)
    assert (c.num_true, c.recall.value, c.f1.value) == (1, 0.0, 0.0)
    assert not c.precision.is_defined
    # Only the last one's label is third: a 0.45, c 0.325, b 0.225.
    assert list(found.videos.top_ks) == [2]
    assert found.videos.top_ks[2].value == 1.0
    assert found.windows.top_ks[2].value == pytest.approx(8 / 10)
    assert (found.videos.chance, found.videos.majority) == (1 / 3, ("a", 2 / 4))
    assert found.windows.majority == ("a", 5 / 10)
    assert found.num_groups == 4


def test_windows_of_a_video_belong_together() -> None:
    found = evaluated(*[("a", "", [A] * 20)] * 3)

    assert found.windows.accuracy.count == 60
    assert (found.windows.accuracy.low, found.windows.accuracy.high) == wilson(1.0, 3)


def test_videos_of_a_group_belong_together() -> None:
    videos = [("a", group, [A if group in "pqr" else B]) for group in "pqrst" for _ in range(10)]

    grouped = evaluated(*videos)
    alone = evaluated(*[(label, "", rows) for label, _, rows in videos])

    assert grouped.num_groups == 5
    assert grouped.videos.accuracy.value == alone.videos.accuracy.value == 0.6
    width, width_alone = (
        figure.high - figure.low for figure in (grouped.videos.accuracy, alone.videos.accuracy)
    )
    assert width > 2 * width_alone


def test_labels_that_the_model_does_not_know_are_counted_as_such() -> None:
    found = evaluated(("a", "", [A]), ("dance", "", [A]), ("dance", "", [B]))

    assert found.unknown_labels == {"dance": 2}
    assert found.videos.unknown_labels == ("dance",)
    assert found.unseen_labels == ("b", "c")
    assert found.videos.true_labels == ("a", "b", "c", "dance")
    assert found.videos.confusion.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert found.videos.accuracy.value == 1.0
    assert found.videos.accuracy.count == 1
    assert found.videos.accuracy_with_unknown.value == pytest.approx(1 / 3)
    # A dance predicted as a is a wrong a.
    assert found.videos.by_label["a"].precision.value == 0.5
    assert found.videos.by_label["b"].precision.value == 0.0
    assert found.videos.calibration.error.count == 1
    assert found.to_dict()["unknown_labels"] == {"dance": 2}


def test_background_is_correct_for_what_the_model_does_not_know() -> None:
    spec = replace(SPEC, background_label="c")
    videos = [Video(Path(f"{n}.mp4"), label, str(n)) for n, label in enumerate(["c", "x", "x"])]
    judged = [judged_of("0", [C]), judged_of("1", [C]), judged_of("2", [A])]

    found = evaluate_videos(videos, judged, spec).videos

    assert found.accuracy_with_unknown.value == pytest.approx(2 / 3)
    a, _, c = found.by_label.values()
    assert (c.precision.value, c.precision.count) == (1.0, 1)
    assert (a.precision.value, a.precision.count) == (0.0, 1)
    assert found.confusion.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1]]


def test_videos_that_cannot_be_judged_are_counted() -> None:
    found = evaluated(("a", "", [A]), ("b", "", []))

    assert [one.path for one in found.problems] == [Path("b/1.mp4")]
    assert found.results[1].predicted is None
    assert found.videos.confusion.sum() == 1
    told = found.to_dict()
    assert (told["num_videos"], told["num_not_judged"]) == (2, 1)
    assert told["videos"][1]["problem"] == "too short"
    # A label of which no video can be judged is not one that no video shows.
    assert found.unseen_labels == ("c",)


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ([("x", "", [A])], r"knows none of these folders \['x'\].*a, b, c"),
        ([("a", "", [])], "none of 1 videos .* can be judged.*a/0.mp4: too short"),
        ([("x", "", [A]), ("a", "", [])], "none of 2 videos"),
    ],
)
def test_nothing_to_tell(videos: list[tuple[str, str, Rows]], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        evaluated(*videos)


def test_json_holds_everything() -> None:
    found = evaluated(("a", "p", [A, B]), ("dance", "q", [A]), ("b", "q", []))

    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))

    assert told["labels"] == ["a", "b", "c"]
    assert told["confusion_rows"] == ["a", "b", "c", "dance"]
    assert told["labels_without_videos"] == ["c"]
    assert told["windows"]["count"] == 3
    assert told["clips"]["labels"][2]["recall"]["value"] is None
    assert told["videos"][0] == {
        "path": "a/0.mp4",
        "label": "a",
        "group": "p",
        "windows": 2,
        "called": "a",
        "score": 0.5,
        "problem": None,
    }


def test_the_starter_on_a_real_person(real_clips: Path) -> None:
    model = ActionModel(STARTER_MODEL, device="cpu")
    videos = find_videos(real_clips / "webcam_dev", group=r"(p\d+)_")

    found = evaluate_videos(videos, judge_videos(model, [one.path for one in videos]), model.spec)

    # As models/STARTER.md says.
    assert (found.videos.accuracy.value, found.videos.accuracy.count) == (1.0, 9)
    assert found.windows.accuracy.count == 72
    assert found.windows.accuracy.value == pytest.approx(69 / 72)
    # One person says little of others.
    assert found.num_groups == 1
    assert (found.videos.accuracy.low, found.videos.accuracy.high) == wilson(1.0, 1)
    assert found.unseen_labels == ("clap", "nothing", "punch")
    assert np.allclose(np.asarray(found.videos.scores).sum(axis=1), 1.0, atol=1e-4)
