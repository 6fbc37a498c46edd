"""Compensation for labels with many more clips than others.

Clips are counted, not videos: the loss is a sum over clips, and one long video may give as many as
ten short ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtaction.train.choices import Balance
from rtaction.train.data.clip_set import ClipSet

_MAX_NAMED = 8


def class_weights(clip_labels: npt.NDArray[np.intp]) -> dict[int, float]:
    """Weights of clips in the loss that give each label the same total weight.

    Args:
        clip_labels: intp, shape (num_clips,), the label of each clip.

    Returns:
        Weights by label, inversely proportional to its clips; a label without clips has none.
        Their mean over all clips is 1, so that the learning rate keeps its meaning.
    """
    present, counts = np.unique(clip_labels, return_counts=True)
    share = len(clip_labels) / len(present)
    return {int(label): share / int(count) for label, count in zip(present, counts, strict=True)}


def weights_of(clips: ClipSet, balance: Balance) -> dict[int, float] | None:
    """`class_weights` of clips for Keras; None if there are to be none, or clips of several labels,
    which no weight suits."""
    if balance != "weights" or clips.truths is not None:
        return None
    return class_weights(clips.clip_labels)


def balanced_order(
    clip_labels: npt.NDArray[np.intp], random: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Draw every label equally often, with about as many draws as there are clips.

    A label with fewer clips repeats none before all were drawn; for one with more, each call draws
    different ones.

    Args:
        clip_labels: intp, shape (num_clips,), the label of each clip.
        random: the random generator.

    Returns:
        intp, shape (num_draws,), indices into `clip_labels`, shuffled. `num_draws` depends only on
        `clip_labels`: it is their number, rounded up to a multiple of the labels.
    """
    present = np.unique(clip_labels)
    draws = -(-len(clip_labels) // len(present))
    drawn = []
    for label in present:
        clips = np.flatnonzero(clip_labels == label)
        rounds = [random.permutation(clips) for _ in range(-(-draws // len(clips)))]
        drawn.append(np.concatenate(rounds)[:draws])
    return random.permutation(np.concatenate(drawn))


def describe_balance(
    labels: Sequence[str], clip_labels: npt.NDArray[np.intp], balance: Balance
) -> str | None:
    """A line for a person, with the counts; None if all labels have equally many clips."""
    num_clips = np.bincount(clip_labels, minlength=len(labels))
    if len(set(num_clips.tolist())) == 1:
        return None
    order = np.argsort(-num_clips, kind="stable").tolist()
    named = [f"{labels[i]} {num_clips[i]}" for i in order]
    if len(named) > _MAX_NAMED:
        named = [*named[: _MAX_NAMED // 2], "…", *named[-_MAX_NAMED // 2 :]]
    done = {
        "none": "not balanced (--balance none)",
        "weights": "clips of a rarer label have more weight in the loss",
        "sampling": "each epoch draws every label equally often",
    }
    return f"uneven labels ({', '.join(named)}): {done[balance]}"
