"""Folds of a cross-validation: each video is tested by a network that knows nothing of its group.

Groups are never divided, see `rtaction.train.data.split`. This file knows nothing of networks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from rtaction.errors import DatasetError, UsageError
from rtaction.train.data.split import Split, split_by_group
from rtaction.video.labelled_videos import Video, labels_of


def make_folds(videos: Sequence[Video], num_folds: int, *, seed: int = 0) -> list[list[Video]]:
    """Share out groups so that each fold has about as many videos of each label.

    Groups are taken from the largest to the smallest, each to the fold whose label counts then stay
    most even; what is equal is decided by chance.

    Args:
        videos: all of them.
        num_folds: how many folds, 2 or more.
        seed: another seed gives other folds. Default 0.

    Returns:
        The videos of each fold, in the order they came in; no fold is empty.

    Raises:
        UsageError: fewer than two folds.
        DatasetError: fewer groups than folds, or a label that some fold would have to itself, so
            that nothing is left to train on.
    """
    of_group: dict[str, list[Video]] = defaultdict(list)
    for video in videos:
        of_group[video.group].append(video)
    _check(videos, len(of_group), num_folds)
    labels = labels_of(videos)
    counts = {
        group: np.array([sum(video.label == label for video in own) for label in labels])
        for group, own in of_group.items()
    }
    random = np.random.default_rng(seed)
    order = sorted(of_group)
    random.shuffle(order)
    order.sort(key=lambda group: -counts[group].sum())  # stable: equal ones stay shuffled
    fold_numbers = random.permutation(num_folds)
    of_fold = np.zeros((num_folds, len(labels)), np.intp)
    total = sum(counts.values())
    fold_of: dict[str, int] = {}
    for group in order:
        # A label that lies in one fold alone is unknown to the network that this fold tests.
        fits = [n for n in fold_numbers if not (of_fold[n] + counts[group] == total).any()]
        if not fits:
            shown = ", ".join(labels_of(of_group[group]))
            raise DatasetError(
                f"group {group!r} ({shown}) fits into no fold: with it, a label would have all its "
                "videos in one fold and none to train on; add groups of these labels, or take "
                "more folds or another --seed"
            )
        # What a group adds to the sum of squared shares, but for what is the same in each fold.
        unevenness = [float((of_fold[n] * counts[group] / total**2).sum()) for n in fits]
        best = min(zip(unevenness, of_fold[fits].sum(axis=1), range(len(fits)), strict=True))
        fold_of[group] = int(fits[best[2]])
        of_fold[fold_of[group]] += counts[group]
    return [[v for v in videos if fold_of[v.group] == number] for number in range(num_folds)]


def split_of_fold(
    folds: Sequence[Sequence[Video]], number: int, *, validation_fraction: float, seed: int
) -> Split:
    """Test on one fold; train and validate on the others, which are divided by group.

    Args:
        folds: see `make_folds`.
        number: of the fold to test on, from 0.
        validation_fraction: share of the other folds' videos to validate on.
        seed: of the choice.

    Raises:
        DatasetError: nothing is left to validate on.
    """
    rest = [video for other, fold in enumerate(folds) if other != number for video in fold]
    split = split_by_group(rest, validation_fraction=validation_fraction, seed=seed)
    if not split.validation:
        raise DatasetError(
            f"when fold {number + 1} is tested, nothing is left to validate on: expected groups "
            f"that make up about {validation_fraction:.0%} of {len(rest)} videos; add groups, or "
            "raise --validation-fraction"
        )
    return Split(split.train, split.validation, list(folds[number]))


def _check(videos: Sequence[Video], num_groups: int, num_folds: int) -> None:
    if num_folds < 2:
        raise UsageError(f"--folds must be 2 or more, got {num_folds}")
    if num_groups < num_folds:
        raise DatasetError(
            f"--folds {num_folds} needs as many groups, as a group is never divided, but there are "
            f"{num_groups}; take fewer folds, or add videos of other groups"
        )
    groups_of_label = Counter(label for label, _ in {(v.label, v.group) for v in videos})
    for label, number in sorted(groups_of_label.items()):
        if number < 2:
            raise DatasetError(
                f"{label!r} has videos of one group only, so when they are tested none is left to "
                "train on; add videos of it from another group"
            )
