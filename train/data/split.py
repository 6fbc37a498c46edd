"""Split videos into training, validation and test, by whole groups, before anything is decoded.

Two windows of one video look nearly the same, so a split that puts them on both sides measures
memory, not recognition.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from rtaction.errors import DatasetError, UsageError
from rtaction.labelled.videos import Video, labels_of
from rtaction.video.video_files import named

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Split:
    """The videos of each side; no group is on two sides."""

    train: list[Video]
    validation: list[Video]
    test: list[Video]

    def sides(self) -> dict[str, list[Video]]:
        """Videos by the name of their side."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def split_by_group(
    videos: Sequence[Video],
    *,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.0,
    validation_groups: Collection[str] | None = None,
    seed: int = 0,
) -> Split:
    """Distribute groups so that each label has about its fraction of videos on each side.

    Args:
        videos: all of them.
        validation_fraction: share of the videos to validate on. Default 0.2.
        test_fraction: share of the videos to test on. Default 0.0.
        validation_groups: validate on exactly these groups, ignoring the fraction. Default None.
        seed: another seed gives another split. Default 0.

    Raises:
        UsageError: the fractions are invalid.
        DatasetError: a label would have no video to train on, or an unknown group is given.
    """
    if min(validation_fraction, test_fraction) < 0 or validation_fraction + test_fraction >= 1:
        raise UsageError(
            "the validation and test fractions must be 0 or more and leave videos to train on, "
            f"got {validation_fraction} and {test_fraction}"
        )
    groups = sorted({video.group for video in videos})
    np.random.default_rng(seed).shuffle(groups)
    if validation_groups is None:
        chosen = _choose(videos, groups, validation_fraction)
    else:
        unknown = sorted(set(validation_groups) - set(groups))
        if unknown:
            raise DatasetError(f"there is no group {unknown}; the groups are {sorted(groups)}")
        chosen = set(validation_groups)
    rest = [group for group in groups if group not in chosen]
    tested = _choose(videos, rest, test_fraction)
    split = Split(
        train=[v for v in videos if v.group not in chosen | tested],
        validation=[v for v in videos if v.group in chosen],
        test=[v for v in videos if v.group in tested],
    )
    _require_labels(
        split,
        videos,
        "add videos of it from another group, or use smaller validation and test fractions",
    )
    return split


def split_by_part(
    videos: Sequence[Video], *, validation_fraction: float = 0.2, seed: int = 0
) -> Split:
    """The split that an annotation file has.

    If the file names no videos to validate on, they are taken from those to train on. A warning
    names groups that the file has on two sides.

    Args:
        videos: all of them, each with its part.
        validation_fraction: share of those to train on, if they are to be split. Default 0.2.
        seed: of the random choice. Default 0.

    Raises:
        DatasetError: a label would have no video to train on.
    """
    train, validation, test = (
        [video for video in videos if video.part == part]
        for part in ("train", "validation", "test")
    )
    split = Split(train, validation, test)
    _require_labels(split, videos, "the split of the annotation file decides")
    if not validation:
        rest = split_by_group(train, validation_fraction=validation_fraction, seed=seed)
        split = Split(rest.train, rest.validation, test)
    sides = Counter(group for side in split.sides().values() for group in {v.group for v in side})
    if both := sorted(group for group, count in sides.items() if count > 1):
        _log.warning(
            "the annotation file has %d groups (videos, people, takes) on two sides of its split "
            "(%s): the figures will be better than on new ones",
            *(len(both), named(both)),
        )
    return split


def _require_labels(split: Split, videos: Sequence[Video], advice: str) -> None:
    lacking = sorted(set(labels_of(videos)) - set(labels_of(split.train)))
    if lacking:
        raise DatasetError(f"no video of {lacking} is left to train on; {advice}")


def _choose(videos: Sequence[Video], groups: Sequence[str], fraction: float) -> set[str]:
    """Groups that together are nearest to `fraction` of each label's videos."""
    per_group = {group: Counter[str]() for group in groups}
    total = Counter(label for video in videos for label in video.labels)
    for video in videos:
        if video.group in per_group:
            per_group[video.group].update(video.labels)
    # A label with few videos still gives one, unless the fraction is 0.
    wanted = {label: max(round(fraction * n), fraction > 0) for label, n in total.items()}
    # A label with only one group stays in training.
    groups_left = Counter(label for counts in per_group.values() for label in counts)
    chosen: set[str] = set()
    for group in groups:
        counts = per_group[group]
        if any(groups_left[label] == 1 for label in counts):
            continue
        after = {label: wanted[label] - counts[label] for label in wanted}
        if sum(map(abs, after.values())) < sum(map(abs, wanted.values())):
            chosen.add(group)
            groups_left.subtract(counts.keys())
            wanted = after
    return chosen
