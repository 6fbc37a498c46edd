"""Quick trials of the modalities of pictures, for `rtaction train --auto`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np
from rich.console import Console

from rtaction.arrays import Float32Array
from rtaction.errors import UsageError
from rtaction.features.modality_choice import ALL_PARTS, Windows, try_modalities
from rtaction.jobs import Failed, Job, RunJobs
from rtaction.keras_tensorflow import keras
from rtaction.labelled.videos import Video, labels_of
from rtaction.modality import parts_of
from rtaction.train.choices import NetworkName
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

_LIGHT_CANDIDATES = ("diff", "gray", "gray+diff")
_TRIAL_EPOCHS = 6


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


def _read(config: TrainConfig, videos: list[Video], labels: tuple[str, ...]) -> ClipSet:
    return read_clip_set(
        videos,
        config.spec(labels),
        stride_seconds=config.stride_seconds,
        need_every_label=False,
        cache=FrameCache(config.cache_dir, limit_gb=config.cache_gb),
    )


def try_features(config: TrainConfig, split: Split, console: Console) -> dict[str, Trial]:
    """Judge each candidate on frozen features, which are computed once for all of them."""
    whole = replace(config, modality=ALL_PARTS, trainable_layers=0)
    labels = labels_of(split.train)
    clips = _read(whole, [*split.train, *split.validation], labels)
    network = build_network(
        whole.spec(labels),
        network=cast(NetworkName, whole.network),
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


def try_light(
    config: TrainConfig, split: Split, console: Console, run_jobs: RunJobs | None = None
) -> dict[str, Trial]:
    """Train a small network for a few epochs with each candidate.

    Args:
        config: the settings.
        split: videos to train and to judge on.
        console: to print to.
        run_jobs: tries them at once. Default None: in a row.

    Raises:
        RtactionError: a trial is not possible.
    """
    tried = {one: replace(config, modality=one) for one in _LIGHT_CANDIDATES}
    jobs: dict[str, Job] = {name: partial(_try, one, split) for name, one in tried.items()}
    trials = {}
    with progress_bar(console) as progress:
        task = progress.add_task("trying modalities", total=len(jobs), figures="")
        ended = (
            run_jobs(jobs, lambda _: None) if run_jobs else ((n, do()) for n, do in jobs.items())
        )
        for modality, found in ended:
            if isinstance(found, Failed):
                raise UsageError(f"{modality}: {found.reason}")
            trials[modality] = found
            progress.advance(task)
    return {modality: trials[modality] for modality in _LIGHT_CANDIDATES}


def _try(config: TrainConfig, split: Split) -> Trial:
    """How well a small network does with the modality of the settings."""
    labels = labels_of(split.train)
    training = _read(config, split.train, labels)
    validation = _read(config, split.validation, labels)
    keras.utils.set_random_seed(config.seed)
    network = build_network(config.spec(labels), network="light", head=config.head)
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
    return Trial(accuracy.value, float(error), int(accuracy.count))
