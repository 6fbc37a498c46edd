"""Which modality tells the labels of videos apart best, given frozen features of each part.

`rtaction teach` and `rtaction train --auto` both choose here, so from the same features, labels and
groups they choose the same modality and report the same accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array
from rtaction.evaluation.temperature import temperature_of
from rtaction.features import ridge
from rtaction.features.ridge import IndexArray
from rtaction.features.statistics import clip_statistics, statistics_importance
from rtaction.modality import parts_of

CANDIDATES = (
    "rgb+rgb_diff",
    "flow_closeup",
    "rgb_diff+abs_diff+flow",
    "rgb+rgb_diff+abs_diff+flow",
    "rgb_diff+abs_diff+flow+flow_closeup",
)
"""Modalities of pictures to choose from, the cheapest first: each part costs a pass of the encoder,
and a close-up as much again for its flow. Joints, see `pose_choice`, come before them."""

ALL_PARTS = "+".join(dict.fromkeys(part for one in CANDIDATES for part in parts_of(one)))
"""The parts of all candidates, in the order in which features of them are given."""

_ERROR_RATIO = 0.98
"""A costlier modality is taken only if its error is below this share of the cheaper one's."""

_LABEL_SMOOTHING = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Statistics of all windows of a set of videos.

    Args:
        parts: standardised statistics by part of the modality.
        label_names: the labels there are, sorted.
        video_labels, video_groups: numbers of each video's, (num_videos,).
        videos: number of each window's video, (num_windows,).
        weights: of the windows, of mean 1, (num_windows,): labels count alike, and so do the
            videos of a label and the windows of a video.
    """

    parts: dict[str, ridge.Rows]
    label_names: tuple[str, ...]
    video_labels: IndexArray
    video_groups: IndexArray
    videos: IndexArray
    weights: Float64Array

    @classmethod
    def of(
        cls,
        features: Iterable[npt.NDArray[Any]],
        labels: Sequence[str],
        groups: Sequence[str],
    ) -> Windows:
        """Compute the statistics.

        Args:
            features: of each video, shape (num_windows, frames_per_clip, num_parts, num_features),
                with the parts of `ALL_PARTS`; at least one window, all with as many frames.
            labels: of the videos.
            groups: of the videos; those of one group are held out together.
        """
        names = parts_of(ALL_PARTS)
        rows: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in names}
        for of_video in features:
            frames_per_clip, _, num_features = of_video.shape[1:]
            for number, name in enumerate(names):
                rows[name].append(clip_statistics(of_video[:, :, number]))
        windows = cls.without_parts([len(one) for one in rows[names[0]]], labels, groups)
        importance = statistics_importance(frames_per_clip, num_features)
        parts = {
            name: ridge.Rows.standardised(
                np.concatenate(rows.pop(name)), windows.weights, importance
            )
            for name in names
        }
        return replace(windows, parts=parts)

    @classmethod
    def without_parts(
        cls, counts: Sequence[int], labels: Sequence[str], groups: Sequence[str]
    ) -> Windows:
        """Windows without statistics.

        Args:
            counts: windows of each video, at least one.
            labels, groups: of the videos.
        """
        label_names, video_labels = np.unique(labels, return_inverse=True)
        _, video_groups = np.unique(groups, return_inverse=True)
        videos = np.repeat(np.arange(len(counts)), counts)
        videos_of_label = np.bincount(video_labels)
        weights = 1.0 / (np.repeat(counts, counts) * videos_of_label[video_labels[videos]])
        weights *= len(weights) / weights.sum()
        names = tuple(label_names.tolist())
        return cls({}, names, video_labels, video_groups, videos, weights)

    @property
    def labels(self) -> IndexArray:
        """Number of each window's label."""
        return self.video_labels[self.videos]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A fit with one modality, and its leave-one-group-out predictions for videos.

    Args:
        fit: to all windows.
        sharpness: factor on predictions that makes their softmax calibrated.
        scores: mean held-out scores of each video, (num_videos, num_labels).
        is_judged: whether another group has videos of the same label, so that there was something
            to learn it from, (num_videos,).
        accuracy: share of the judged videos whose predicted label is the true one; nan without any.
    """

    fit: ridge.Fit
    sharpness: float
    scores: Float64Array
    is_judged: npt.NDArray[np.bool_]
    accuracy: float

    @property
    def error(self) -> float:
        """Weighted mean squared error over windows; it separates equal accuracies."""
        return self.fit.error


def try_modalities(windows: Windows) -> dict[str, Trial]:
    """Fit each of `CANDIDATES`."""
    return {modality: try_modality(windows, modality) for modality in CANDIDATES}


def best_modality(errors: Mapping[str, float]) -> str:
    """The modality to take: the cheapest, unless a costlier one has a clearly lower error.

    Args:
        errors: mean squared error by modality, the cheapest modality first. One that is NaN or
            infinite, of a trial that went wrong, is not taken, unless all are.
    """
    best, *others = [name for name in errors if math.isfinite(errors[name])] or errors
    for modality in others:
        if errors[modality] < _ERROR_RATIO * errors[best]:
            best = modality
    return best


def try_modality(windows: Windows, modality: str) -> Trial:
    """Fit one modality, whose parts the windows have."""
    kernel = np.mean([windows.parts[part].kernel for part in parts_of(modality)], axis=0)
    groups = windows.video_groups[windows.videos]
    return judged(windows, ridge.fit(kernel, windows.labels, groups, windows.weights))


def judged(windows: Windows, fit: ridge.Fit) -> Trial:
    """What the held-out predictions of a fit are worth.

    Args:
        windows: that it was fitted to.
        fit: the fit.
    """
    temperature = temperature_of(
        fit.held_out, windows.labels, windows.weights, label_smoothing=_LABEL_SMOOTHING
    )
    sharpness = 1 / temperature
    scores = _video_scores(windows, sharpness * fit.held_out)
    is_judged = _is_judged(windows)
    is_right = scores.argmax(axis=1) == windows.video_labels
    accuracy = float(is_right[is_judged].mean()) if is_judged.any() else float("nan")
    return Trial(fit, sharpness, scores, is_judged, accuracy)


def _video_scores(windows: Windows, logits: Float64Array) -> Float64Array:
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    every = range(len(windows.video_labels))
    return np.stack([scores[windows.videos == video].mean(axis=0) for video in every])


def _is_judged(windows: Windows) -> npt.NDArray[np.bool_]:
    pairs = np.unique(np.stack([windows.video_labels, windows.video_groups]), axis=1)
    groups_of_label = np.bincount(pairs[0])
    return np.asarray(groups_of_label[windows.video_labels] > 1)
