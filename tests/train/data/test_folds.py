from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from rtaction.errors import DatasetError, RtactionError, UsageError
from rtaction.labelled.videos import Video
from rtaction.train.data.folds import make_folds, split_of_fold


def _videos(of_group: dict[str, str]) -> list[Video]:
    """One video for each letter: its label; groups by name."""
    return [
        Video(Path(f"{group}-{number}.mp4"), label, group)
        for group, labels in of_group.items()
        for number, label in enumerate(labels)
    ]


EVEN = _videos({f"g{i:02}": "aabb" for i in range(12)})
UNEVEN = _videos({"big": "a" * 20, "b": "bbbb", "c": "aabb", "d": "ab", "e": "bb", "f": "abbb"})


def _groups(videos: Sequence[Video]) -> set[str]:
    return {video.group for video in videos}


@pytest.mark.parametrize("videos", [EVEN, UNEVEN])
@pytest.mark.parametrize("num_folds", [2, 3, 4])
def test_each_video_is_in_one_fold_with_its_group(videos: list[Video], num_folds: int) -> None:
    folds = make_folds(videos, num_folds)
    assert len(folds) == num_folds
    assert sorted((v for fold in folds for v in fold), key=str) == sorted(videos, key=str)
    for number, fold in enumerate(folds):
        assert fold
        others = [v for other in folds[:number] + folds[number + 1 :] for v in other]
        assert not _groups(fold) & _groups(others)


def test_folds_are_as_even_as_groups_allow() -> None:
    for seed in range(5):
        counts = [Counter(v.label for v in fold) for fold in make_folds(EVEN, 4, seed=seed)]
        assert counts == [Counter(a=6, b=6)] * 4


def test_the_seed_decides() -> None:
    first, again, other = (make_folds(EVEN, 4, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_fold_is_tested_by_the_others() -> None:
    folds = make_folds(EVEN, 4)
    split = split_of_fold(folds, 2, validation_fraction=0.25, seed=0)
    assert split.test == folds[2]
    assert len(split.train) + len(split.validation) == 36
    assert 4 <= len(split.validation) <= 12
    sides = [_groups(videos) for videos in split.sides().values()]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 12


@pytest.mark.parametrize(
    ("videos", "num_folds", "error", "message"),
    [
        (EVEN, 1, UsageError, "--folds must be 2 or more"),
        (EVEN, 13, DatasetError, "needs at least as many groups"),
        (
            _videos({"g": "aab", "h": "aa", "i": "a"}),
            2,
            DatasetError,
            "'b' has videos of only one group",
        ),
    ],
)
def test_what_cannot_be_shared_out_is_told(
    videos: list[Video], num_folds: int, error: type[RtactionError], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_folds(videos, num_folds)
