from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.evaluation.classification import ConfusedPair
from rtaction.evaluation.estimate import share, wilson
from rtaction.labelled.videos import Video
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.report.judged_clips import JudgedClips
from rtaction.train.report.labels import labels_section

LABELS = ("a", "b", "c")
_VIDEOS = (("v0", "a", "ann"), ("v1", "b", "ann"), ("v2", "b", "bob"), ("v3", "a", "bob"))
# Two clips of each video.
_SCORES = [
    [0.7, 0.2, 0.1],
    [0.1, 0.8, 0.1],
    [0.9, 0.1, 0.0],
    [0.6, 0.3, 0.1],
    [0.0, 0.05, 0.95],
    [0.1, 0.8, 0.1],
    [0.8, 0.1, 0.1],
    [0.3, 0.5, 0.2],
]


@pytest.fixture
def judged() -> JudgedClips:
    videos = tuple(Video(Path(f"{name}.mp4"), label, group) for name, label, group in _VIDEOS)
    clip_videos = np.repeat(np.arange(4), 2)
    clips = ClipSet(
        frames=np.zeros((1, 4, 4, 3), np.uint8),
        clip_frames=np.zeros((8, 1), np.intp),
        clip_times_seconds=np.zeros((8, 1)),
        clip_labels=np.array([LABELS.index(videos[i].label) for i in clip_videos]),
        clip_videos=clip_videos,
        labels=LABELS,
        videos=videos,
    )
    return JudgedClips(clips, np.array(_SCORES, np.float32))


def test_accuracies_count_clips_and_videos_and_know_groups(judged: JudgedClips) -> None:
    right = np.array([True, False, False, False, False, True, True, False])
    clusters = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    accuracy = judged.by_clip.accuracy
    assert accuracy == share(right, clusters)
    assert (accuracy.value, accuracy.count) == (3 / 8, 8)
    # The means of v0 .. v3 name b, a, c (0.525 against 0.425) and a.
    assert judged.by_video.accuracy == share(
        np.array([False, False, False, True]), np.array([0, 0, 1, 1])
    )
    assert judged.by_video.accuracy.value == judged.to_dict()["video_accuracy"] == 1 / 4


def test_without_groups_each_video_counts_for_itself(judged: JudgedClips) -> None:
    clips = judged.clips
    alone = tuple(Video(video.path, video.label, video.path.name) for video in clips.videos)
    lone = JudgedClips(
        ClipSet(
            clips.frames,
            clips.clip_frames,
            clips.clip_times_seconds,
            clips.clip_labels,
            clips.clip_videos,
            clips.labels,
            alone,
        ),
        judged.scores,
    )
    accuracy = lone.by_video.accuracy
    assert (accuracy.low, accuracy.high) == wilson(1 / 4, 4)


def test_the_label_that_is_missed_most_comes_first(judged: JudgedClips) -> None:
    text = "".join(labels_section("validation", judged.by_clip).itertext())
    rows = [text.index(f"{label}{count}") for label, count in (("b", 4), ("a", 4), ("c", 0))]
    assert rows == sorted(rows)
    a, b, c = judged.by_clip.by_label.values()
    assert (b.recall.value, b.precision.value) == (1 / 4, 1 / 3)
    assert (a.recall.value, a.precision.value) == (2 / 4, 2 / 4)
    assert not c.recall.is_defined
    assert c.precision.value == 0


def test_what_is_confused_most(judged: JudgedClips) -> None:
    assert judged.by_clip.confused_pairs() == [
        ConfusedPair("a", "b", 2, 4),
        ConfusedPair("b", "a", 2, 4),
        ConfusedPair("b", "c", 1, 4),
    ]
    assert len(judged.by_clip.confused_pairs(most=1)) == 1


def test_worst_mistakes_have_the_highest_wrong_scores_and_one_for_each_video(
    judged: JudgedClips,
) -> None:
    found = judged.worst_mistakes()
    assert [one.clip for one in found] == [4, 2, 1, 7]
    assert [one.predicted for one in found] == ["c", "a", "b", "b"]
    assert [one.predicted_score for one in found] == pytest.approx([0.95, 0.9, 0.8, 0.5])
    assert [one.true_score for one in found] == pytest.approx([0.05, 0.1, 0.1, 0.3])
    assert [one.video.path.name for one in found] == ["v2.mp4", "v1.mp4", "v0.mp4", "v3.mp4"]
    assert [one.clip for one in judged.worst_mistakes(most=2)] == [4, 2]


def test_what_the_most_frequent_label_would_reach(judged: JudgedClips) -> None:
    assert judged.by_clip.majority == ("a", 0.5)


def test_the_summary_of_a_worked_example() -> None:
    # Two clips of one "a" video, three of one "b" video, and no "c".
    owners = np.array([0, 0, 1, 1, 1])
    clips = ClipSet(
        frames=np.zeros((1, 4, 4, 3), np.uint8),
        clip_frames=np.zeros((5, 1), np.intp),
        clip_times_seconds=np.zeros((5, 1)),
        clip_labels=owners,
        clip_videos=owners,
        labels=LABELS,
        videos=(Video(Path("a.mp4"), "a", "a"), Video(Path("b.mp4"), "b", "b")),
    )
    scores = [[0.9, 0.1, 0], [0.4, 0.6, 0], [0.6, 0.4, 0], [0.1, 0.9, 0], [0.2, 0.8, 0]]

    found = JudgedClips(clips, np.array(scores, np.float32)).to_dict()

    assert found == {
        "num_clips": 5,
        "clip_accuracy": pytest.approx(3 / 5),
        "num_videos": 2,
        "video_accuracy": 1.0,  # the mean of each video's scores is right
        "labels": [
            {"label": "a", "num_clips": 2, "precision": 1 / 2, "recall": 1 / 2},
            {"label": "b", "num_clips": 3, "precision": 2 / 3, "recall": 2 / 3},
            {"label": "c", "num_clips": 0, "precision": None, "recall": None},
        ],
        "confusion": [[1, 1, 0], [1, 2, 0], [0, 0, 0]],
    }
