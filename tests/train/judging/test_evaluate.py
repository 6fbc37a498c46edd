from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.train.data.clip_set import ClipSet
from rtaction.train.judging.evaluate import evaluate_scores
from rtaction.train.report.plots import draw_confusion, draw_curves
from rtaction.video.labelled_videos import Video

LABELS = ("a", "b", "c")
# Two clips of one "a" video, three of one "b" video, and no "c".
CLIPS = ClipSet(
    frames=np.zeros((1, 4, 4, 3), np.uint8),
    clip_frames=np.zeros((5, 1), np.intp),
    clip_times_seconds=np.zeros((5, 1)),
    clip_labels=np.array([0, 0, 1, 1, 1]),
    clip_videos=np.array([0, 0, 1, 1, 1]),
    labels=LABELS,
    videos=(Video(Path("a.mp4"), "a", "a"), Video(Path("b.mp4"), "b", "b")),
)
SCORES = np.array(
    [[0.9, 0.1, 0], [0.4, 0.6, 0], [0.6, 0.4, 0], [0.1, 0.9, 0], [0.2, 0.8, 0]], np.float32
)


def test_figures_of_a_worked_example() -> None:
    found = evaluate_scores(SCORES, CLIPS)
    assert found.confusion.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert found.num_clips == 5
    assert found.clip_accuracy == pytest.approx(3 / 5)
    assert found.video_accuracy == 1.0  # the mean of each video's scores is right
    a, b, c = found.labels
    assert (a.num_clips, a.precision, a.recall) == (2, 1 / 2, 1 / 2)
    assert (b.num_clips, b.precision, b.recall) == (3, 2 / 3, 2 / 3)
    assert c.num_clips == 0
    assert np.isnan([c.precision, c.recall]).all()


def test_undefined_figures_become_null_in_json() -> None:
    labels = evaluate_scores(SCORES, CLIPS).to_dict()["labels"]
    assert labels[2] == {"label": "c", "num_clips": 0, "precision": None, "recall": None}


def test_pictures_are_drawn(tmp_path: Path) -> None:
    draw_confusion(evaluate_scores(SCORES, CLIPS), tmp_path / "confusion.png")
    row = {"loss": 1.0, "val_loss": 1.1, "accuracy": 0.5, "val_accuracy": 0.4}
    history = [
        {"epoch": 1.0, **row, "learning_rate": 1e-3},
        {"epoch": 2.0, **row, "learning_rate": 1e-4},
    ]
    draw_curves(history, tmp_path / "curves.png")
    for name in ("confusion.png", "curves.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
