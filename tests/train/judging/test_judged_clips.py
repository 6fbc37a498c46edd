from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.evaluation.confidence import share, wilson
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.judging.judged_clips import ConfusedPair, JudgedClips
from rtaction.video.labelled_videos import Video

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
    assert judged.clip_accuracy == share(right, clusters)
    assert (judged.clip_accuracy.value, judged.clip_accuracy.count) == (3 / 8, 8)
    # The means of v0 .. v3 name b, a, c (0.525 against 0.425) and a.
    assert judged.video_accuracy == share(
        np.array([False, False, False, True]), np.array([0, 0, 1, 1])
    )
    assert judged.video_accuracy.value == judged.evaluation.video_accuracy == 1 / 4


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
    assert (lone.video_accuracy.low, lone.video_accuracy.high) == wilson(1 / 4, 4)


def test_the_label_that_is_missed_most_comes_first(judged: JudgedClips) -> None:
    figures = judged.figures_of_labels()
    assert [one.label for one in figures] == ["b", "a", "c"]
    b, a, c = figures
    assert (b.recall.value, b.precision.value) == (1 / 4, 1 / 3)
    assert (a.recall.value, a.precision.value) == (2 / 4, 2 / 4)
    assert not c.recall.is_defined
    assert c.precision.value == 0


def test_what_is_mixed_up_most(judged: JudgedClips) -> None:
    assert judged.confused_pairs() == [
        ConfusedPair("a", "b", 2, 4),
        ConfusedPair("b", "a", 2, 4),
        ConfusedPair("b", "c", 1, 4),
    ]
    assert len(judged.confused_pairs(most=1)) == 1


def test_worst_mistakes_have_the_highest_wrong_scores_and_one_for_each_video(
    judged: JudgedClips,
) -> None:
    found = judged.worst_mistakes()
    assert [one.clip for one in found] == [4, 2, 1, 7]
    assert [one.called for one in found] == ["c", "a", "b", "b"]
    assert [one.called_score for one in found] == pytest.approx([0.95, 0.9, 0.8, 0.5])
    assert [one.true_score for one in found] == pytest.approx([0.05, 0.1, 0.1, 0.3])
    assert [one.video.path.name for one in found] == ["v2.mp4", "v1.mp4", "v0.mp4", "v3.mp4"]
    assert [one.clip for one in judged.worst_mistakes(most=2)] == [4, 2]


def test_what_the_most_frequent_label_would_reach(judged: JudgedClips) -> None:
    assert judged.most_frequent() == ("a", 0.5)
