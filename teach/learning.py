"""From takes to a model: features, a fit in closed form, and what it is worth.

What a picture shows, colours or motion, is chosen by how well takes are named by fits that did not
know them. This file knows nothing of cameras or of screens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float64Array
from rtaction.errors import DatasetError, SourceError
from rtaction.modality import parts_of
from rtaction.model_spec import ModelSpec
from rtaction.teach import ridge
from rtaction.teach.encoder import ALL_PARTS, PictureEncoder, part_numbers
from rtaction.teach.graph import (
    NUM_FEATURES,
    NUM_STATISTICS,
    PICTURE_SIZE,
    clip_statistics,
    taught_model,
)
from rtaction.teach.pace import Pace, choose_pace
from rtaction.teach.take_features import FeatureStore, TakeFeatures
from rtaction.video.file import read_declared, read_video
from rtaction.video.labelled_videos import Video, labels_of

MODALITIES = ("rgb+rgb_diff", "rgb_diff+abs_diff+flow", "rgb+rgb_diff+abs_diff+flow")
"""To choose from, the cheapest first: each part costs a pass of the encoder."""
BACKGROUND = "nothing"
MAX_PICTURES = 2000
"""To encode in all, if takes are long: some 30 seconds on two cores."""

CHANGES_COUNT = 6.0
"""As many times as means and highest values: actions are change, and what stays is the place."""

_BETTER = 0.98  # another part must lower the error to this share
IndexArray = npt.NDArray[np.intp]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class JudgedTake:
    """A take, as a model names it that did not know it.

    Args:
        video: the take.
        predicted: its predicted label; None where that cannot be measured, as its label has no
            other take.
        score: of that label, 0 to 1.
    """

    video: Video
    predicted: str | None
    score: float


@dataclass(frozen=True, slots=True)
class TaughtModel:
    """What came of the takes.

    Args:
        spec: the model's contract.
        model: the bytes of its ONNX file.
        takes: what was learnt from, judged.
        skipped: why takes were left out, a sentence for each.
        errors: mean square error by modality, of those tried.
    """

    spec: ModelSpec
    model: bytes
    takes: tuple[JudgedTake, ...]
    skipped: tuple[str, ...]
    errors: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """All windows of all takes.

    Args:
        parts: for each of `ALL_PARTS` the windows' statistics, (num_windows, 3 * 320).
        labels, groups, takes: numbers of each window's, (num_windows,).
        weights: how much each counts, of mean 1, (num_windows,): labels count alike, and so do
            takes of a label.
    """

    parts: list[ridge.Rows]
    labels: IndexArray
    groups: IndexArray
    takes: IndexArray
    weights: Float64Array


def learn(
    videos: Sequence[Video], features_folder: Path, *, on_progress: Progress | None = None
) -> TaughtModel:
    """Make a model of takes.

    Args:
        videos: takes of two labels at least. "nothing" is the label that means no action. Takes of
            one group are judged by fits that know none of the group.
        features_folder: where features are kept, see `FeatureStore`.
        on_progress: told how many takes of how many have been looked at. Default None.

    Raises:
        DatasetError: the takes are too few, too short or unreadable.
    """
    encoder = PictureEncoder()
    durations, skipped = _durations(videos)
    if not durations:
        raise DatasetError(f"not one of {len(videos)} takes can be read: {skipped[0]}")
    pace = choose_pace(list(durations.values()))
    store = FeatureStore(features_folder, encoder)
    used: list[Video] = []
    features: list[TakeFeatures] = []
    for number, video in enumerate(durations):
        try:
            made = store.of(video.path, pace, max_pictures=MAX_PICTURES // len(durations))
        except (DatasetError, SourceError) as reason:
            skipped.append(str(reason))
        else:
            used.append(video)
            features.append(made)
        if on_progress is not None:
            on_progress(number + 1, len(durations))
    labels = labels_of(used)
    if len(labels) < 2:
        raise DatasetError(
            f"expected takes of two actions at least, got usable ones of {list(labels)} only"
            + "".join(f"; {one}" for one in skipped[:3])
        )
    windows = _all_windows(used, features, labels)
    fits = {modality: _fit(windows, modality) for modality in MODALITIES}
    chosen = MODALITIES[0]
    for modality in MODALITIES[1:]:
        if fits[modality].error < _BETTER * fits[chosen].error:
            chosen = modality
    spec = _spec(labels, pace, chosen)
    best = fits[chosen]
    sharpness = ridge.sharpness_of(best.held_out, windows.labels, windows.weights)
    weights, bias = _layer(windows, best, chosen, sharpness)
    return TaughtModel(
        spec,
        taught_model(spec, weights, bias),
        _judge(used, windows, best, sharpness, labels),
        tuple(skipped),
        {modality: one.error for modality, one in fits.items()},
    )


def _durations(videos: Sequence[Video]) -> tuple[dict[Video, float], list[str]]:
    """Lengths in seconds of those that can be read, and why others cannot."""
    durations, skipped = {}, []
    for video in videos:
        try:
            seconds = read_declared(video.path).duration_seconds
            if seconds <= 0:  # a file that was cut off does not say
                *_, last = read_video(video.path)
                seconds = last.captured_at_seconds
        except SourceError as reason:
            skipped.append(str(reason))
        else:
            durations[video] = seconds
    return durations, skipped


def _all_windows(
    videos: Sequence[Video], features: Sequence[TakeFeatures], labels: Sequence[str]
) -> _Windows:
    counts = [len(one.windows) for one in features]
    groups = sorted({video.group for video in videos})
    takes = np.repeat(np.arange(len(videos)), counts)
    label_of_take = np.array([labels.index(video.label) for video in videos])
    takes_of_label = np.bincount(label_of_take)
    weights = 1.0 / (np.repeat(counts, counts) * takes_of_label[label_of_take[takes]])
    weights *= len(weights) / weights.sum()
    parts = []
    for part in range(len(parts_of(ALL_PARTS))):
        rows = [clip_statistics(one.pictures[:, part][one.windows]) for one in features]
        parts.append(ridge.Rows.standardised(np.concatenate(rows), weights, _emphasis()))
    return _Windows(
        parts,
        label_of_take[takes],
        np.array([groups.index(video.group) for video in videos])[takes],
        takes,
        weights,
    )


def _emphasis() -> Float64Array:
    """How much each statistic counts: float64, shape (3 * 320,), of mean 1."""
    counts = np.repeat([1.0, 1.0, CHANGES_COUNT], NUM_FEATURES)
    return np.asarray(counts / counts.mean())


def _fit(windows: _Windows, modality: str) -> ridge.Fit:
    kernels = [windows.parts[part].kernel for part in part_numbers(modality)]
    kernel = np.mean(kernels, axis=0)
    return ridge.fit(kernel, windows.labels, windows.groups, windows.weights)


def _layer(
    windows: _Windows, best: ridge.Fit, modality: str, sharpness: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What a fit does to statistics as they come, in the order of the graph."""
    numbers = part_numbers(modality)
    num_labels = best.duals.shape[1]
    weights, bias = [], best.offset.copy()
    for number in numbers:
        rows = windows.parts[number]
        own = rows.values.T @ best.duals / (rows.values.shape[1] * len(numbers))
        own /= rows.spread[:, np.newaxis]
        bias -= rows.mean @ own
        weights.append(own.reshape(NUM_STATISTICS, -1, num_labels))
    layer = np.stack(weights, axis=1).reshape(-1, num_labels)  # statistics, then parts
    return (sharpness * layer).astype(np.float32), (sharpness * bias).astype(np.float32)


def _judge(
    videos: Sequence[Video],
    windows: _Windows,
    best: ridge.Fit,
    sharpness: float,
    labels: Sequence[str],
) -> tuple[JudgedTake, ...]:
    logits = sharpness * best.held_out
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    judged = []
    for number, video in enumerate(videos):
        others = {one.group for one in videos if one.label == video.label} - {video.group}
        mean = scores[windows.takes == number].mean(axis=0)
        predicted = labels[int(mean.argmax())] if others else None
        judged.append(JudgedTake(video, predicted, float(mean.max())))
    return tuple(judged)


def _spec(labels: tuple[str, ...], pace: Pace, modality: str) -> ModelSpec:
    return ModelSpec(
        labels=labels,
        frames_per_clip=pace.frames_per_clip,
        clip_seconds=pace.clip_seconds,
        height=PICTURE_SIZE,
        width=PICTURE_SIZE,
        modality=modality,
        background_label=BACKGROUND if BACKGROUND in labels else None,
    )
