"""Folds of a cross-validation: each video is tested by a network that was not trained on its group.

Groups are never split, see `rtaction.train.data.split`. This module knows nothing about networks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from rtaction.errors import DatasetError, UsageError
from rtaction.labelled.videos import Video, labels_of
from rtaction.train.data.split import Split, split_by_group


def make_folds(videos: Sequence[Video], num_folds: int, *, seed: int = 0) -> list[list[Video]]:
    """Distribute groups so that each fold has about as many videos of each label.

    Groups are taken from the largest to the smallest, each into the fold that leaves the label
    counts most even; ties are broken at random.

    Args:
        videos: all of them.
        num_folds: number of folds, 2 or more.
        seed: another seed gives other folds. Default 0.

    Returns:
        The videos of each fold, in their original order; no fold is empty.

    Raises:
        UsageError: fewer than two folds.
        DatasetError: fewer groups than folds, or a label with all its videos in one fold, so that
            none is left to train on.
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
        # A label that is only in one fold is unknown to the network that this fold tests.
        fits = [n for n in fold_numbers if not (of_fold[n] + counts[group] == total).any()]
        if not fits:
            shown = ", ".join(labels_of(of_group[group]))
            raise DatasetError(
                f"group {group!r} ({shown}) does not fit into any fold: a label would have all its "
                "videos in one fold and none to train on; add groups of these labels, or use more "
                "folds or another --seed"
            )
        # The increase of the sum of squared shares, without terms that are the same for each fold.
        unevenness = [float((of_fold[n] * counts[group] / total**2).sum()) for n in fits]
        best = min(zip(unevenness, of_fold[fits].sum(axis=1), range(len(fits)), strict=True))
        fold_of[group] = int(fits[best[2]])
        of_fold[fold_of[group]] += counts[group]
    return [[v for v in videos if fold_of[v.group] == number] for number in range(num_folds)]


def split_of_fold(
    folds: Sequence[Sequence[Video]], number: int, *, validation_fraction: float, seed: int
) -> Split:
    """Test on one fold; train and validate on the others, which are split by group.

    Args:
        folds: see `make_folds`.
        number: index of the fold to test on, from 0.
        validation_fraction: share of the other folds' videos to validate on.
        seed: of the random choice.

    Raises:
        DatasetError: no videos are left to validate on.
    """
    rest = [video for other, fold in enumerate(folds) if other != number for video in fold]
    split = split_by_group(rest, validation_fraction=validation_fraction, seed=seed)
    if not split.validation:
        raise DatasetError(
            f"when fold {number + 1} is tested, nothing is left to validate on: expected groups "
            f"with about {validation_fraction:.0%} of {len(rest)} videos; add groups, or increase "
            "--validation-fraction"
        )
    return Split(split.train, split.validation, list(folds[number]))


def _check(videos: Sequence[Video], num_groups: int, num_folds: int) -> None:
    if num_folds < 2:
        raise UsageError(f"--folds must be 2 or more, got {num_folds}")
    if num_groups < num_folds:
        raise DatasetError(
            f"--folds {num_folds} needs at least as many groups, because groups are never split, "
            f"but there are {num_groups}; use fewer folds, or add videos of other groups"
        )
    groups_of_label = Counter(label for label, _ in {(v.label, v.group) for v in videos})
    for label, number in sorted(groups_of_label.items()):
        if number < 2:
            raise DatasetError(
                f"{label!r} has videos of only one group, so when they are tested none is left to "
                "train on; add videos of it from another group"
            )
