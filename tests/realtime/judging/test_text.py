"""What `rtaction eval` prints: every figure is there, nothing is wider than 100 columns."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.evaluation.event_figures import event_figures
from rtaction.evaluation.event_pairs import Event, WatchedTime
from rtaction.evaluation.intervals import Interval
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.events import EventEvaluation, Tuning
from rtaction.realtime.judging.text import MAX_COLUMNS, event_lines, video_lines
from rtaction.realtime.judging.tuning import Thresholds
from rtaction.realtime.judging.videos import VideoEvaluation, evaluate_videos
from rtaction.realtime.judging.watched import Judged
from tests.realtime.conftest import prediction_of

LONG = "an action with a very long name indeed"


def evaluated(spec: ModelSpec, shown: list[str], predicted: list[str]) -> VideoEvaluation:
    """Of videos with one window each, some predicted correctly, some not."""
    videos = [Video(Path(f"{n}.mp4"), label, str(n)) for n, label in enumerate(shown)]
    judged = []
    for video, label in zip(videos, predicted, strict=True):
        scores = np.full(len(spec.labels), 0.1)
        if label:
            scores[spec.labels.index(label)] = 0.75
        predictions = (prediction_of(spec, scores),) if label else ()
        judged.append(Judged(video.path, predictions, 1.0, "" if label else "too short"))
    return evaluate_videos(videos, judged, spec)


def test_all_is_told_of_videos() -> None:
    spec = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8)
    found = evaluated(
        spec, ["wave", "wave", "clap", "dance", "wave"], ["wave", "clap", "clap", "wave", ""]
    )

    text = "\n".join(video_lines(found, spec, grouped=False))

    for part in (
        "4 of 5 videos judged, 4 windows, 3 labels",
        "not judged: 4.mp4: too short",
        "the model does not know 'dance' (1 video): always wrong",
        "no video shows: nothing",
        "windows (3)           videos (3)",
        "accuracy                  66.7 % (20.8-93.9)    66.7 % (20.8-93.9)",
        "with unknown labels       50.0 % (15.0-85.0)    50.0 % (15.0-85.0)",
        "guessing                  33.3 %                33.3 %",
        "most frequent label       66.7 %                66.7 %",
        "wave                           2  50 % (9-91)     50 % (9-91)     50 %",
        "  1  wave                       1  1  0",
        "  ?  dance                      1  0  0",
        "0.7 to 0.8                     3        0.75  67 % (21-94)",
        "without --group each video counts as independent",
    ):
        assert part in text


def test_a_background_label_suits_unknown_ones() -> None:
    spec = ModelSpec(("wave", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
    lines = video_lines(
        evaluated(spec, ["wave", "dance"], ["wave", "nothing"]), spec, grouped=False
    )
    assert "the model does not know 'dance' (1 video): correct where predicted 'nothing'" in lines


def test_many_and_long_labels_fit() -> None:
    labels = tuple(f"an action with a very long name, number {number}" for number in range(60))
    spec = ModelSpec(labels, 5, 1.0, 8, 8)
    found = evaluated(spec, list(labels), [labels[0], *labels[:-1]])

    lines = video_lines(found, spec, grouped=True)

    assert max(map(len, lines)) <= MAX_COLUMNS
    mistakes = lines[lines.index("labels confused most, in videos") + 1 :][:10]
    assert all(" predicted as " in line for line in mistakes)


def test_what_spread_clips_mean_live() -> None:
    spec = ModelSpec(("a", "b"), 5, 1.5, 8, 8, sampling="spread")
    found = evaluated(spec, ["a"], ["a"])
    lines = video_lines(found, spec, grouped=False, windows=True)
    assert any("its windows span 1.5 s, as they do live" in line for line in lines)
    lines = video_lines(found, spec, grouped=False)
    assert any("judged once, as a whole" in line and "windows of 1.5 s" in line for line in lines)


@pytest.fixture
def watched() -> EventEvaluation:
    video = WatchedTime(
        Path("x.mp4"),
        (Event("wave", 10.5, 20.0, 11.5), Event("wave", 50.0, 51.0, 52.0)),
        (Interval("wave", 10.0, 20.0, 2), Interval(LONG, 1.0, 2.0, 3)),
        900.0,
        "x",
    )
    return EventEvaluation(
        figures=event_figures([video], ("wave", LONG), grouped=False),
        watched=(video,),
        ignored_intervals={"dance": 3},
        problems=(Judged(Path("bad.mp4"), (), 0.0, "cannot be read"),),
        notes=("line 9: is odd",),
        tuning=None,
    )


def test_all_is_told_of_events(watched: EventEvaluation) -> None:
    lines = event_lines(watched, grouped=False)

    text = "\n".join(lines)
    for part in (
        "1 video watched, 15.0 minutes, 2 actions, 2 events detected",
        "not judged: bad.mp4: cannot be read",
        "line 9: is odd",
        "left out, because the model cannot detect 'dance': 3 intervals",
        "wave                           1       2  0.3  50 % (9-91)     100 % (21-100)  67 %",
        "an action with a very l…       1       0  0.3  n/a             0 % (0-79)      0 %",
        "wave                      4.0 (0.7-22.7)          +1.50 s, +1.50 s        +0.50 s",
        "without --group each event counts as independent",
    ):
        assert part in text
    assert max(map(len, lines)) <= MAX_COLUMNS
    assert "[actions]" not in text


def test_what_tuning_came_to(watched: EventEvaluation) -> None:
    thresholds = Thresholds(0.6, 0.7, (("wave", 0.8),))
    tuning = Tuning(thresholds, 4, 20, watched.figures[1], watched.figures[2])

    lines = event_lines(replace(watched, tuning=tuning), grouped=True)

    text = "\n".join(lines)
    assert "thresholds tuned on 4 other videos with 20 actions" in text
    assert "F1 at IoU 0.5 there: 67 % (" in text
    assert "F1 at IoU 0.5 here before tuning: 0 % (" in text
    assert "over 1 group; below 10 groups they are too narrow" in text
    table = "\n".join(lines[lines.index("[actions]") :])
    assert tomllib.loads(table)["actions"] == thresholds.to_overrides()
    assert max(map(len, lines)) <= MAX_COLUMNS
