"""What `rtaction train --auto` picks for people's joints, and how it tries them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rtaction.errors import DatasetError, SourceError
from rtaction.evaluation.text import counted, percent
from rtaction.features.pose_choice import LEAST_SHARE_WITH_PEOPLE, PoseTrial, try_pose
from rtaction.features.window_length import window_length
from rtaction.labelled.videos import Video, labels_of
from rtaction.train.data.pose_clips import PoseClips
from rtaction.train.data.split import Split
from rtaction.train.learning.training_data import OpenPoseNetworks, clip_reader
from rtaction.train.settings.config import POSE, TrainConfig
from rtaction.train.settings.people import DEFAULTS, REFUSED
from rtaction.video.span import length_seconds

_log = logging.getLogger(__name__)

SETTINGS: dict[str, Any] = {
    "modality": POSE,
    "head": "bigru",
    "augment": "strong",
    "schedule": "cosine",
    "learning_rate": 2e-3,
    "weight_decay": 0.01,
    "ema": 0.99,
    "refit": True,
}
"""A small network on joints: a minute of training."""

_STEPS = 1500
_EPOCHS = (20, 60)

_FEWEST_FRAMES = 4


def may_be_joints(config: TrainConfig, given: Collection[str]) -> bool:
    """Whether nothing was given that only makes sense for pictures."""
    if "modality" in given and config.modality != POSE:
        return False
    return config.sampling == "sliding" and not any(name in given for name in REFUSED)


def joint_settings(
    config: TrainConfig, given: Collection[str], videos: Sequence[Video]
) -> dict[str, Any]:
    """Settings for joints, with windows of up to 16 pictures that fit into nine videos in ten.

    Raises:
        DatasetError: none of the videos can be read.
    """
    interval_seconds = DEFAULTS["clip_seconds"] / (DEFAULTS["frames_per_clip"] - 1)
    durations = []
    for video in videos:
        try:
            durations.append(length_seconds(video.path, video.span))
        except SourceError:
            continue  # decoding for the training will report the error
    if not durations:
        raise DatasetError(f"none of {len(videos)} videos can be read")
    fitting = int(window_length(durations)[0] / interval_seconds) + 1
    frames = min(max(fitting, _FEWEST_FRAMES), DEFAULTS["frames_per_clip"])
    if "frames_per_clip" in given:
        frames = config.frames_per_clip
    clip_seconds = round(interval_seconds * max(frames - 1, 1), 4)
    if "clip_seconds" in given:
        clip_seconds = config.clip_seconds
    stride_seconds = max(frames // 4, 1) * clip_seconds / max(frames - 1, 1)
    lengths = {
        "frames_per_clip": frames,
        "clip_seconds": clip_seconds,
        "stride_seconds": stride_seconds,
    }
    windows_seconds = (max(seconds - clip_seconds, 0) for seconds in durations)
    num_windows = sum(int(seconds / stride_seconds) + 1 for seconds in windows_seconds)
    batch_size = config.batch_size if "batch_size" in given else TrainConfig.batch_size
    return SETTINGS | lengths | _epochs(num_windows, batch_size)


def _epochs(num_windows: int, batch_size: int) -> dict[str, Any]:
    """As many as take some 1500 steps, from 20 to 60."""
    epochs = round(_STEPS / -(-num_windows // batch_size))
    epochs = min(max(epochs, _EPOCHS[0]), _EPOCHS[1])
    return {"epochs": epochs, "patience": epochs}


def try_joints(
    config: TrainConfig, split: Split, open_networks: OpenPoseNetworks
) -> PoseTrial | str:
    """Judge joints by a ridge regression, as `rtaction teach` does.

    Args:
        config: with the settings for joints.
        split: videos to try them on.
        open_networks: loads the networks that read joints.

    Returns:
        The trial, or why joints cannot be used.
    """
    videos = [*split.train, *split.validation]
    labels = labels_of(split.train)
    read = clip_reader(config, open_networks)
    try:
        # Whom joints do not suit may still be read as pictures.
        clips = read(videos, config.spec(labels), need_every_label=True, tell=_log.debug)
    except DatasetError as reason:
        return str(reason)
    assert isinstance(clips, PoseClips)
    # Nobody need be seen where nothing happens.
    wanted = [one for one in videos if one.label != config.background_label]
    seen = [one for one in clips.videos if one.label != config.background_label]
    if len(seen) < LEAST_SHARE_WITH_PEOPLE * len(wanted):
        return f"people are seen in {len(seen)} of {counted(len(wanted), 'video')}"
    numbers = np.arange(len(clips))
    trial = try_pose(
        [clips.points(numbers[clips.clip_videos == video]) for video in range(len(clips.videos))],
        [video.label for video in clips.videos],
        [video.group for video in clips.videos],
        interval_seconds=clips.interval_seconds,
        share_unseen=1 - len(seen) / max(len(wanted), 1),
    )
    if not trial.trial.is_judged.any():
        return "no label has videos of two groups, so none can be held out"
    return trial


def trial_text(trial: PoseTrial) -> str:
    """What a trial found, for a person."""
    num_videos = counted(int(trial.trial.is_judged.sum()), "held-out video")
    accuracy = percent(trial.trial.accuracy, digits=0)
    return f"joints have an accuracy of {accuracy} in a quick trial on {num_videos}"


def with_settings(config: TrainConfig, given: Collection[str], values: dict[str, Any]) -> Any:
    """The settings with values for those that were not given."""
    return replace(config, **{k: value for k, value in values.items() if k not in given})
