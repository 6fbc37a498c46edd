"""From takes to a model: features, a fit in closed form, and its accuracy on held-out takes.

This file knows nothing about cameras or screens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.errors import DatasetError, SourceError
from rtaction.features.modality_choice import Trial, Windows, try_modalities, try_modality
from rtaction.features.pose_choice import POSE, chosen_modality
from rtaction.features.ridge import layer_of
from rtaction.features.statistics import NUM_STATISTICS
from rtaction.labelled.videos import Video, labels_of
from rtaction.modality import parts_of
from rtaction.model_spec import ModelSpec
from rtaction.pose.network import CLOSE_SIZE
from rtaction.realtime.model.pose_networks import open_pose_networks
from rtaction.teach.combined import CombinedEncoder, combined_model, combined_windows
from rtaction.teach.graph import PICTURE_SIZE, taught_model
from rtaction.teach.pace import Pace, choose_pace
from rtaction.teach.pose_learning import PoseLearned, learn_pose
from rtaction.teach.take_features import FeatureStore, PictureEncoder, TakeFeatures
from rtaction.teach.take_poses import PoseStore
from rtaction.video.span import length_seconds

BACKGROUND = "nothing"
MAX_PICTURES = 2000
"""Most frames to encode over all takes: about 30 seconds on two cores."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class JudgedTake:
    """A take with the prediction of a fit that was not trained on it.

    Args:
        video: the take.
        predicted: its predicted label; None if no other group has takes of its true label, so
            that it cannot be learned.
        score: of that label, 0 to 1.
    """

    video: Video
    predicted: str | None
    score: float


@dataclass(frozen=True, slots=True)
class TaughtModel:
    """A model and how good it is.

    Args:
        spec: the model's contract.
        model: the bytes of its ONNX file.
        takes: those it was trained on, with their held-out predictions.
        skipped: why takes were left out, a sentence for each.
        errors: held-out mean squared error of each modality that was tried.
        why_no_joints: why people's joints could not be used. Default None: they could, or were not
            wanted.
    """

    spec: ModelSpec
    model: bytes = field(repr=False)
    takes: tuple[JudgedTake, ...] = field(repr=False)
    skipped: tuple[str, ...]
    errors: dict[str, float]
    why_no_joints: str | None = None


def learn(
    videos: Sequence[Video],
    features_folder: Path,
    *,
    people: bool = True,
    modality: str | None = None,
    on_progress: Progress | None = None,
) -> TaughtModel:
    """Train a model on takes.

    Joints are tried first. Pictures are tried where those do not name all held-out takes rightly,
    and are taken if their error is clearly lower.

    Args:
        videos: takes of two labels at least; "nothing" is the background label. Takes of one
            group are held out together.
        features_folder: where features and joints are kept, see `FeatureStore` and `PoseStore`.
        people: try people's joints. Default True.
        modality: joints together with pictures, such as "pose+rgb_diff". Default None: joints or
            pictures, whichever are better.
        on_progress: called with the number of steps done so far and of all. Default None.

    Raises:
        DatasetError: the takes are too few, too short or unreadable.
    """
    durations, skipped = _durations(videos)
    if not durations:
        raise DatasetError(f"none of {len(videos)} takes can be read: {skipped[0]}")
    if modality is not None:
        return _learn_combined(durations, skipped, features_folder, modality, on_progress)
    steps = _Steps(on_progress, len(durations) * (1 + people))
    pose: PoseLearned | None = None
    why_no_joints: str | None = None
    if people:
        store = PoseStore(features_folder, open_pose_networks())
        found = learn_pose(durations, store, BACKGROUND, on_take=steps.advance)
        if isinstance(found, str):
            why_no_joints = found
        else:
            pose = found
        if pose is not None and pose.trial.is_flawless:
            steps.finish()
            return _taught_by_pose(pose, skipped, {})
    pictures = _learn_pictures(durations, features_folder, steps)
    chosen = chosen_modality(pose.trial if pose else None, pictures.errors)
    if pose is not None and chosen == POSE:
        return _taught_by_pose(pose, skipped, pictures.errors)
    errors = ({POSE: pose.trial.error} if pose else {}) | pictures.errors
    spec = _spec(pictures.labels, pictures.pace, chosen)
    trial = pictures.trials[chosen]
    model = taught_model(spec, *_layer(pictures.windows, trial, chosen))
    takes = _judge(pictures.videos, trial, pictures.labels)
    return TaughtModel(
        spec, model, takes, (*skipped, *pictures.skipped), errors, why_no_joints=why_no_joints
    )


def _taught_by_pose(
    pose: PoseLearned, skipped: Sequence[str], errors: Mapping[str, float]
) -> TaughtModel:
    spec = pose.spec(BACKGROUND)
    takes = _judge(pose.videos, pose.trial.trial, spec.labels)
    every = {POSE: pose.trial.error, **errors}
    return TaughtModel(spec, pose.model(spec), takes, (*skipped, *pose.skipped), every)


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """What pictures tell of the takes."""

    videos: tuple[Video, ...]
    skipped: tuple[str, ...]
    labels: tuple[str, ...]
    pace: Pace
    windows: Windows
    trials: dict[str, Trial]

    @property
    def errors(self) -> dict[str, float]:
        return {modality: trial.error for modality, trial in self.trials.items()}


def _learn_pictures(
    durations: Mapping[Video, float], features_folder: Path, steps: _Steps
) -> _Pictures:
    pace = choose_pace(list(durations.values()))
    store = FeatureStore(features_folder, PictureEncoder())
    used, skipped, features = _encoded(durations, pace, store, steps)
    windows = Windows.of(
        (one.of_windows for one in features),
        [video.label for video in used],
        [video.group for video in used],
    )
    trials = try_modalities(windows)
    return _Pictures(tuple(used), tuple(skipped), labels_of(used), pace, windows, trials)


def _learn_combined(
    durations: Mapping[Video, float],
    skipped: Sequence[str],
    features_folder: Path,
    modality: str,
    on_progress: Progress | None,
) -> TaughtModel:
    """Learn from joints and pictures together, all of the whole picture."""
    pace = choose_pace(list(durations.values()))
    store = FeatureStore(features_folder, CombinedEncoder(modality))
    steps = _Steps(on_progress, len(durations))
    used, unusable, features = _encoded(durations, pace, store, steps)
    windows = combined_windows(
        [one.of_windows for one in features],
        [video.label for video in used],
        [video.group for video in used],
        modality=modality,
        interval_seconds=pace.interval_seconds,
    )
    trial = try_modality(windows, modality)
    labels = labels_of(used)
    spec = replace(
        _spec(labels, pace, modality), height=CLOSE_SIZE, width=CLOSE_SIZE, resize="letterbox"
    )
    model = combined_model(spec, *_layer(windows, trial, modality))
    takes = _judge(used, trial, labels)
    return TaughtModel(spec, model, takes, (*skipped, *unusable), {modality: trial.error})


def _encoded(
    durations: Mapping[Video, float], pace: Pace, store: FeatureStore, steps: _Steps
) -> tuple[list[Video], list[str], list[TakeFeatures]]:
    """The usable takes, why others are not, and the features of the former."""
    used: list[Video] = []
    skipped: list[str] = []
    features: list[TakeFeatures] = []
    for video in durations:
        try:
            most = MAX_PICTURES // len(durations)
            of_take = store.of(video.path, pace, max_pictures=most, span=video.span)
        except (DatasetError, SourceError) as reason:
            skipped.append(str(reason))
        else:
            used.append(video)
            features.append(of_take)
        steps.advance()
    labels = labels_of(used)
    if len(labels) < 2:
        raise DatasetError(
            f"expected takes of at least two actions, got usable ones of {list(labels)} only"
            + "".join(f"; {one}" for one in skipped[:3])
        )
    return used, skipped, features


class _Steps:
    """Counts what is done."""

    def __init__(self, on_progress: Progress | None, total: int) -> None:
        self._on_progress = on_progress
        self._total = total
        self._done = 0

    def advance(self) -> None:
        self._done += 1
        if self._on_progress is not None:
            self._on_progress(self._done, self._total)

    def finish(self) -> None:
        if self._on_progress is not None and self._done < self._total:
            self._on_progress(self._total, self._total)


def _durations(videos: Sequence[Video]) -> tuple[dict[Video, float], list[str]]:
    """Lengths in seconds of the readable takes, and why the others cannot be read."""
    durations, skipped = {}, []
    for video in videos:
        try:
            durations[video] = length_seconds(video.path, video.span)
        except SourceError as reason:
            skipped.append(str(reason))
    return durations, skipped


def _layer(windows: Windows, trial: Trial, modality: str) -> tuple[Float32Array, Float32Array]:
    """The fit as weights and bias on raw statistics, in the order of the graph."""
    parts = parts_of(modality)
    num_labels = trial.fit.duals.shape[1]
    joints, pictures = [], []
    weights, bias = layer_of(trial.fit, [windows.parts[part] for part in parts])
    for part, own in zip(parts, weights, strict=True):
        if part == POSE:
            joints.append(own)
        else:
            pictures.append(own.reshape(NUM_STATISTICS, -1, num_labels))
    layer = np.stack(pictures, axis=1).reshape(-1, num_labels)  # statistics, then parts
    layer = np.concatenate([*joints, layer])
    return (trial.sharpness * layer).astype(np.float32), (trial.sharpness * bias).astype(np.float32)


def _judge(videos: Sequence[Video], trial: Trial, labels: Sequence[str]) -> tuple[JudgedTake, ...]:
    return tuple(
        JudgedTake(video, labels[int(scores.argmax())] if is_judged else None, float(scores.max()))
        for video, scores, is_judged in zip(videos, trial.scores, trial.is_judged, strict=True)
    )


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
