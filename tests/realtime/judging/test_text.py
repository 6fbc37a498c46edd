"""What is printed of clips: every figure there, nothing wider than 100 columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.evaluation.confidence import UNDEFINED, Estimate
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.clips import ClipEvaluation, evaluate_clips
from rtaction.realtime.judging.text import MAX_COLUMNS, clip_lines, figure_text, interval_note
from rtaction.realtime.judging.watched import Judged
from rtaction.video.labelled_videos import Video
from tests.realtime.conftest import prediction_of


def evaluated(spec: ModelSpec, shown: list[str], called: list[str]) -> ClipEvaluation:
    """Of videos with one window each, some called rightly, some not."""
    videos = [Video(Path(f"{n}.mp4"), label, str(n)) for n, label in enumerate(shown)]
    judged = []
    for video, label in zip(videos, called, strict=True):
        scores = np.full(len(spec.labels), 0.1)
        if label:
            scores[spec.labels.index(label)] = 0.75
        predictions = (prediction_of(spec, scores),) if label else ()
        judged.append(Judged(video.path, predictions, 1.0, "" if label else "too short"))
    return evaluate_clips(videos, judged, spec)


def test_all_is_told() -> None:
    spec = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8)
    found = evaluated(
        spec, ["wave", "wave", "clap", "dance", "wave"], ["wave", "clap", "clap", "wave", ""]
    )

    text = "\n".join(clip_lines(found, spec, grouped=False))

    for part in (
        "4 of 5 videos judged, 4 windows, 3 labels",
        "not judged: 4.mp4: too short",
        "the model does not know 'dance' (1 video): always wrong",
        "no video shows: nothing",
        "windows (3)         clips (3)",
        "accuracy                  0.67 (0.21-0.94)    0.67 (0.21-0.94)",
        "with unknown labels       0.50 (0.15-0.85)    0.50 (0.15-0.85)",
        "a guess                   0.33                0.33",
        "the most frequent label   0.67                0.67",
        "wave                          2  0.50 (0.09-0.91)  0.50 (0.09-0.91)  0.50",
        "  1  wave                       1  1  0",
        "  ?  dance                      1  0  0",
        "0.7 to 0.8                      3         0.75  0.67 (0.21-0.94)",
        "without --group each video counts as independent",
    ):
        assert part in text


def test_a_background_label_suits_unknown_ones() -> None:
    spec = ModelSpec(("wave", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
    lines = clip_lines(evaluated(spec, ["wave", "dance"], ["wave", "nothing"]), spec, grouped=False)
    assert "the model does not know 'dance' (1 video): right where called 'nothing'" in lines


def test_many_and_long_labels_fit() -> None:
    labels = tuple(f"an action with a very long name, number {number}" for number in range(60))
    spec = ModelSpec(labels, 5, 1.0, 8, 8)
    found = evaluated(spec, list(labels), [labels[0], *labels[:-1]])

    lines = clip_lines(found, spec, grouped=True)

    assert max(map(len, lines)) <= MAX_COLUMNS
    mistakes = lines[lines.index("most frequent mistakes") + 1 :][:10]
    assert all(" called " in line for line in mistakes)


def test_what_spread_clips_mean_live() -> None:
    spec = ModelSpec(("a", "b"), 5, 1.5, 8, 8, sampling="spread")
    lines = clip_lines(evaluated(spec, ["a"], ["a"]), spec, grouped=False)
    assert any("windows of 1.5 s, as live" in line for line in lines)


@pytest.mark.parametrize(
    ("figure", "text"),
    [(Estimate(0.5, 0.1, 0.9, 4), "0.50 (0.10-0.90)"), (UNDEFINED, "-")],
)
def test_a_figure(figure: Estimate, text: str) -> None:
    assert figure_text(figure) == text


@pytest.mark.parametrize(
    ("num_groups", "grouped", "part"),
    [
        (3, True, "over 3 groups; over fewer than 10 groups they are too narrow"),
        (10, True, "over 10 groups)"),
        (3, False, "without --group"),
    ],
)
def test_the_note_on_intervals(num_groups: int, grouped: bool, part: str) -> None:
    assert part in interval_note(num_groups, grouped=grouped)
