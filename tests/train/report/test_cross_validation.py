from __future__ import annotations

import json
import math
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from rtaction.evaluation.estimate import share, wilson
from rtaction.labelled.videos import Video
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.report.cross_validation import (
    CrossValidation,
    FoldResult,
    JudgedVideo,
    print_cross_validation,
)
from rtaction.train.report.judged_clips import JudgedClips

LABELS = ("clap", "wave")
VIDEOS = {
    name: Video(Path(f"in/{name}.mp4"), LABELS[name[1] == "w"], name[0])
    for name in ("ac", "aw", "bc", "bw", "cw")
}


def judged(name: str, clap: int, wave: int, predicted: str | None = None) -> JudgedVideo:
    """A video with so many windows predicted as each label."""
    return JudgedVideo(VIDEOS[name], predicted or LABELS[wave > clap], (clap, wave))


def fold(repeat: int, number: int, *videos: JudgedVideo, num_skipped: int = 0) -> FoldResult:
    return FoldResult(LABELS, videos, repeat, number, 7, num_skipped)


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
    assert (first.by_window.accuracy.value, first.by_video.accuracy.value) == (6 / 8, 1.0)
    assert second.by_window.accuracy.value == pytest.approx(4 / 7)
    assert second.by_video.accuracy.value == 2 / 3
    assert (first.num_groups, second.num_groups) == (1, 2)


def test_repeats_are_pooled_each_for_itself(found: CrossValidation) -> None:
    assert list(found.repeats) == [1, 2]
    assert found.video_accuracies == [pytest.approx(4 / 5), pytest.approx(3 / 5)]
    assert found.window_accuracies == [pytest.approx(10 / 15), pytest.approx(10 / 15)]
    # Of two values, with one degree of freedom.
    assert found.spread == pytest.approx(0.2 / math.sqrt(2))
    assert (found.num_videos, found.pooled.num_groups, found.num_skipped) == (5, 3, 1)


def test_one_repeat_has_no_spread(found: CrossValidation) -> None:
    single = CrossValidation(found.folds[:2])
    assert single.spread is None
    assert single.to_dict()["video_accuracy_spread"] is None


def test_groups_count_as_one_whatever_the_repeats(found: CrossValidation) -> None:
    right = [True, True, False, True, True, True, False, True, False, True]
    groups = [0, 0, 1, 1, 2, 0, 0, 2, 1, 1]
    accuracy = found.pooled.by_video.accuracy
    assert accuracy == share(np.array(right), np.array(groups))
    assert (accuracy.value, accuracy.count) == (0.7, 10)
    # Windows right, and all windows, of the same videos.
    hits = [3, 3, 0, 2, 2, 4, 1, 3, 1, 1]
    totals = [4, 4, 2, 2, 3, 4, 4, 3, 2, 2]
    windows = np.concatenate([np.arange(n) < h for h, n in zip(hits, totals, strict=True)])
    assert found.pooled.by_window.accuracy == share(windows, np.repeat(groups, totals))


def test_a_group_of_one_video_counts_once(found: CrossValidation) -> None:
    alone = [
        replace(one, video=replace(one.video, group=one.video.path.name))
        for one in (*found.folds[0].videos, *found.folds[1].videos)
    ]
    single = CrossValidation((fold(1, 1, *alone[:2]), fold(1, 2, *alone[2:])))
    accuracy = single.pooled.by_video.accuracy
    assert (accuracy.low, accuracy.high) == wilson(4 / 5, 5)


def test_confusion_and_recall(found: CrossValidation) -> None:
    videos = found.pooled.by_video
    # Claps: a right twice, b wrong twice. Waves: one of a's wrong, five right.
    assert videos.confusion.tolist() == [[2, 2], [1, 5]]
    assert videos.by_label["clap"].recall.value == 0.5
    assert videos.by_label["wave"].recall.value == pytest.approx(5 / 6)
    assert videos.majority == ("wave", 0.6)


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
    # The first has two windows predicted as clap, but its mean score says wave.
    scores = [[0.6, 0.4], [0.55, 0.45], [0.1, 0.9], [0.3, 0.7], [0.8, 0.2]]
    found = FoldResult.of_clips(
        JudgedClips(clips, np.array(scores, np.float32)), repeat=1, fold=2, num_epochs=3
    )
    assert found.videos == (
        JudgedVideo(videos[0], "wave", (2, 1)),
        JudgedVideo(videos[1], "clap", (1, 1)),
    )
    assert found.by_video.is_correct.tolist() == [False, False]


def printed(found: CrossValidation) -> list[str]:
    said = StringIO()
    print_cross_validation(Console(file=said, width=80), found)
    return [line.rstrip() for line in said.getvalue().splitlines()]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_folds_repeats_and_their_mean_are_told() -> None:
    rows = [cells(line) for line in printed(two_repeats())]
    assert ["1", "2", "3", "2", "7", "57.1 %", "66.7 %"] in rows
    assert ["1", "all", "5", "3", "", "66.7 %", "80.0 %"] in rows
    assert ["2", "all", "5", "3", "", "66.7 %", "60.0 %"] in rows
    assert ["mean", "", "", "", "", "66.7 %", "70.0 %"] in rows


def test_labels_are_told_apart() -> None:
    rows = [line.split() for line in printed(two_repeats())]
    assert ["wave", "6", "71", "%"] in [row[:4] for row in rows]
    assert ["1", "clap", "2", "2"] in rows
    assert ["2", "wave", "1", "5"] in rows
    assert "(each video is counted once in each of 2 repeats)" in printed(two_repeats())


def test_accuracy_comes_last() -> None:
    found = two_repeats()
    videos, windows = found.pooled.by_video.accuracy, found.pooled.by_window.accuracy
    lines = printed(found)
    assert lines[-5:] == [
        f"accuracy on videos: 70.0 % (95 % interval: {100 * videos.low:.1f} to "
        f"{100 * videos.high:.1f} %)",
        f"accuracy on windows: 66.7 % (95 % interval: {100 * windows.low:.1f} to "
        f"{100 * windows.high:.1f} %)",
        "standard deviation over 2 repeats, by video: 14.1 %",
        "accuracy of always predicting 'wave': 60.0 %",
        "5 videos of 3 groups; 1 skipped",
    ]
    note = "over 3 groups; below 10 groups they are too narrow"
    assert any(note in line for line in lines)
    single = printed(CrossValidation(found.folds[:2]))
    assert not any("standard deviation" in line for line in single)
    assert "mean" not in [cells(line)[0] for line in single]
    assert not any("counted once" in line for line in single)


def test_it_fits_a_terminal() -> None:
    assert max(map(len, printed(two_repeats()))) <= 80
