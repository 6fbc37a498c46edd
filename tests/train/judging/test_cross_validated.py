from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.evaluation.confidence import share, wilson
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.judging.cross_validated import (
    CrossValidation,
    FoldResult,
    JudgedVideo,
    judged_videos,
)
from rtaction.train.judging.judged_clips import JudgedClips
from rtaction.video.labelled_videos import Video

LABELS = ("clap", "wave")
VIDEOS = {
    name: Video(Path(f"in/{name}.mp4"), LABELS[name[1] == "w"], name[0])
    for name in ("ac", "aw", "bc", "bw", "cw")
}


def judged(name: str, clap: int, wave: int, called: str | None = None) -> JudgedVideo:
    """A video of which so many windows were called each label."""
    return JudgedVideo(VIDEOS[name], called or LABELS[wave > clap], (clap, wave))


def fold(repeat: int, number: int, *videos: JudgedVideo, num_skipped: int = 0) -> FoldResult:
    return FoldResult(repeat, number, 7, num_skipped, LABELS, videos)


def two_repeats() -> CrossValidation:
    """Two repeats of two folds; of five videos the first has four right, the second three."""
    return CrossValidation(
        (
            fold(1, 1, judged("ac", 3, 1), judged("aw", 1, 3), num_skipped=1),
            fold(1, 2, judged("bc", 0, 2), judged("bw", 0, 2), judged("cw", 1, 2)),
            fold(2, 1, judged("ac", 4, 0), judged("aw", 3, 1), judged("cw", 0, 3)),
            fold(2, 2, judged("bc", 1, 1, "wave"), judged("bw", 1, 1, "wave"), num_skipped=1),
        )
    )


@pytest.fixture
def found() -> CrossValidation:
    return two_repeats()


def test_windows_and_videos_of_a_fold_are_counted_apart(found: CrossValidation) -> None:
    first, second = found.folds[:2]
    assert (first.window_accuracy, first.video_accuracy) == (6 / 8, 1.0)
    assert second.window_accuracy == pytest.approx(4 / 7)
    assert second.video_accuracy == 2 / 3
    assert (first.num_groups, second.num_groups) == (1, 2)


def test_repeats_are_pooled_each_for_itself(found: CrossValidation) -> None:
    assert list(found.repeats) == [1, 2]
    assert found.video_accuracies == [pytest.approx(4 / 5), pytest.approx(3 / 5)]
    assert found.window_accuracies == [pytest.approx(10 / 15), pytest.approx(10 / 15)]
    # Of two values, with one degree of freedom.
    assert found.spread == pytest.approx(0.2 / math.sqrt(2))
    assert (found.num_videos, found.num_groups, found.num_skipped) == (5, 3, 1)


def test_one_repeat_has_no_spread(found: CrossValidation) -> None:
    single = CrossValidation(found.folds[:2])
    assert single.spread is None
    assert single.to_dict()["video_accuracy_spread"] is None


def test_groups_count_as_one_whatever_the_repeats(found: CrossValidation) -> None:
    right = [True, True, False, True, True, True, False, True, False, True]
    groups = [0, 0, 1, 1, 2, 0, 0, 2, 1, 1]
    assert found.video_accuracy == share(np.array(right), np.array(groups))
    assert (found.video_accuracy.value, found.video_accuracy.count) == (0.7, 10)
    # Windows right, and all windows, of the same videos.
    hits = [3, 3, 0, 2, 2, 4, 1, 3, 1, 1]
    totals = [4, 4, 2, 2, 3, 4, 4, 3, 2, 2]
    windows = np.concatenate([np.arange(n) < h for h, n in zip(hits, totals, strict=True)])
    assert found.window_accuracy == share(windows, np.repeat(groups, totals))


def test_a_group_of_one_video_counts_once(found: CrossValidation) -> None:
    alone = [
        replace(one, video=replace(one.video, group=one.video.path.name))
        for one in (*found.folds[0].videos, *found.folds[1].videos)
    ]
    single = CrossValidation((fold(1, 1, *alone[:2]), fold(1, 2, *alone[2:])))
    assert (single.video_accuracy.low, single.video_accuracy.high) == wilson(4 / 5, 5)


def test_confusion_and_recall(found: CrossValidation) -> None:
    # Claps: a right twice, b wrong twice. Waves: one of a's wrong, five right.
    assert found.confusion.tolist() == [[2, 2], [1, 5]]
    assert found.recalls["clap"].value == 0.5
    assert found.recalls["wave"].value == pytest.approx(5 / 6)
    assert found.most_frequent == ("wave", 0.6)


def test_a_fold_survives_its_file(found: CrossValidation) -> None:
    one = found.folds[1]
    again = FoldResult.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again.videos == one.videos
    assert again.to_dict() == one.to_dict()
    with pytest.raises(KeyError):
        FoldResult.from_dict({"repeat": 1})


def test_the_file_tells_all(found: CrossValidation) -> None:
    told = json.loads(json.dumps(found.to_dict()))
    assert (told["num_repeats"], told["num_folds"]) == (2, 2)
    assert (told["num_videos"], told["num_groups"], told["num_skipped"]) == (5, 3, 1)
    assert told["video_accuracy"]["value"] == 0.7
    assert told["video_accuracy_of_repeats"] == [0.8, 0.6]
    assert told["confusion"] == [[2, 2], [1, 5]]
    assert told["recall"]["clap"]["value"] == 0.5
    assert [one["video_accuracy"] for one in told["folds"]] == [1.0, 0.666667, 0.666667, 0.5]
    assert told["folds"][0]["videos"][1] == {
        "path": "in/aw.mp4",
        "label": "wave",
        "group": "a",
        "called": "wave",
        "windows_called": [1, 3],
    }


def test_windows_are_counted_video_by_video() -> None:
    videos = (VIDEOS["ac"], VIDEOS["bw"])
    clips = ClipSet(
        frames=np.zeros((1, 4, 4, 3), np.uint8),
        clip_frames=np.zeros((5, 1), np.intp),
        clip_times_seconds=np.zeros((5, 1)),
        clip_labels=np.array([0, 0, 0, 1, 1]),
        clip_videos=np.array([0, 0, 0, 1, 1]),
        labels=LABELS,
        videos=videos,
    )
    # The first has two windows called clap, but its mean score says wave.
    scores = [[0.6, 0.4], [0.55, 0.45], [0.1, 0.9], [0.3, 0.7], [0.8, 0.2]]
    found = judged_videos(JudgedClips(clips, np.array(scores, np.float32)))
    assert found == (
        JudgedVideo(videos[0], "wave", (2, 1)),
        JudgedVideo(videos[1], "clap", (1, 1)),
    )
    assert [one.is_right for one in found] == [False, False]
