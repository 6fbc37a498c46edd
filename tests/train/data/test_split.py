from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rtaction.errors import DatasetError, UsageError
from rtaction.labelled.videos import Video
from rtaction.train.data.split import split_by_group, split_by_part


def _videos(num_groups: int, per_group: int = 2) -> list[Video]:
    return [
        Video(Path(f"{label}/{group}_{take}.mp4"), label, f"g{group:02d}")
        for label in ("clap", "wave")
        for group in range(num_groups)
        for take in range(per_group)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_group_stands_on_two_sides(seed: int) -> None:
    videos = _videos(10)
    split = split_by_group(videos, validation_fraction=0.2, test_fraction=0.2, seed=seed)
    sides = [{v.group for v in side} for side in (split.train, split.validation, split.test)]
    assert sum(map(len, sides)) == len(set.union(*sides))
    assert len(split.train) + len(split.validation) + len(split.test) == len(videos)


def test_each_label_has_its_fraction() -> None:
    split = split_by_group(_videos(10), validation_fraction=0.2, test_fraction=0.1, seed=3)
    assert Counter(v.label for v in split.validation) == {"clap": 4, "wave": 4}
    assert Counter(v.label for v in split.test) == {"clap": 2, "wave": 2}


def test_a_rare_label_still_gives_one_to_validate_on() -> None:
    rare = [Video(Path(f"rare/{i}.mp4"), "rare", f"r{i}") for i in range(3)]
    split = split_by_group(_videos(10) + rare, validation_fraction=0.1)
    assert Counter(v.label for v in split.validation)["rare"] == 1


@pytest.mark.parametrize("seed", range(10))
def test_a_label_that_one_group_alone_has_is_trained_on(seed: int) -> None:
    alone = [Video(Path(f"jump/{i}.mp4"), "jump", "g00") for i in range(3)]
    split = split_by_group(
        _videos(4) + alone, validation_fraction=0.3, test_fraction=0.3, seed=seed
    )
    assert {v.label for v in split.train} == {"clap", "wave", "jump"}


def test_the_seed_determines_the_split() -> None:
    videos = _videos(12)
    assert split_by_group(videos, seed=1) == split_by_group(videos, seed=1)
    assert split_by_group(videos, seed=1) != split_by_group(videos, seed=2)


def test_groups_can_be_named() -> None:
    split = split_by_group(_videos(5), validation_groups=["g01", "g03"])
    assert {v.group for v in split.validation} == {"g01", "g03"}
    assert {v.group for v in split.train} == {"g00", "g02", "g04"}


def test_no_fraction_leaves_everything_to_train_on() -> None:
    split = split_by_group(_videos(3), validation_fraction=0.0)
    assert len(split.train) == 12
    assert split.validation == split.test == []


@pytest.mark.parametrize(("validation", "test"), [(0.6, 0.4), (-0.1, 0.0), (0.0, 1.0)])
def test_impossible_fractions_are_told(validation: float, test: float) -> None:
    with pytest.raises(UsageError, match="leave videos to train on"):
        split_by_group(_videos(3), validation_fraction=validation, test_fraction=test)


def test_a_label_without_training_videos_is_told() -> None:
    one = [Video(Path("jump/a.mp4"), "jump", "g00")]
    with pytest.raises(DatasetError, match=r"no video of \['jump'\]"):
        split_by_group(_videos(3) + one, validation_groups=["g00"])


def test_an_unknown_group_is_told() -> None:
    with pytest.raises(DatasetError, match=r"no group \['g99'\]"):
        split_by_group(_videos(3), validation_groups=["g99"])


def _with_parts(*parts: str) -> list[Video]:
    return [
        Video(Path(f"{number}.mp4"), "ab"[number % 2], f"g{number // 2}", None, part)
        for number, part in enumerate(parts)
    ]


def test_the_split_of_a_file_is_obeyed() -> None:
    videos = _with_parts("train", "train", "test", "test", "validation", "validation")
    split = split_by_part(videos)
    assert (split.train, split.test, split.validation) == (videos[:2], videos[2:4], videos[4:])


def test_a_split_without_validation_takes_it_from_training() -> None:
    videos = _with_parts(*["train"] * 8, "test", "test")
    split = split_by_part(videos, validation_fraction=0.25)
    assert split.test == videos[8:]
    assert len(split.validation) == 2
    assert sorted([*split.train, *split.validation], key=lambda one: one.path) == videos[:8]


def test_a_group_on_two_sides_of_a_file_is_told(caplog: pytest.LogCaptureFixture) -> None:
    split_by_part(_with_parts("train", "train", "train", "validation", "train", "validation"))
    assert "2 groups (videos, people, takes) on two sides of its split (g1, g2)" in caplog.text


def test_a_label_that_a_file_has_not_to_train_on() -> None:
    with pytest.raises(DatasetError, match=r"no video of .'b'. is left to train on; the split of"):
        split_by_part(_with_parts("train", "test"))
