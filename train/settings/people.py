"""Settings of a training on people's joints: their defaults, and what makes no sense with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from rtaction.errors import UsageError
from rtaction.installation import program
from rtaction.modality import parts_of
from rtaction.train.settings.config import POSE, TrainConfig

DEFAULTS: dict[str, Any] = {"frames_per_clip": 16, "clip_seconds": 1.875}
"""Eight pictures a second: people are followed safely, and fast motion is still seen."""

_PICTURES_ONLY = "the network sees joints, not pictures"
REFUSED: dict[str, str] = {
    "network": "there is one network of joints; choose its --head",
    "stream_encoder": _PICTURES_ONLY,
    "pretrained": "ImageNet weights are for pictures",
    "trainable_layers": _PICTURES_ONLY,
    "pooling": _PICTURES_ONLY,
    "height": "the pose network takes pictures of 192x192",
    "width": "the pose network takes pictures of 192x192",
    "resize": "people are looked at in a square around them, without changing their shape",
    "num_variants": "joints are changed anew in each epoch",
}
"""Why each setting for pictures cannot be set for joints."""

_FEWEST_FRAMES = 2


def with_defaults(config: TrainConfig, given: Collection[str]) -> TrainConfig:
    """The settings with `DEFAULTS` for those that were not given, if they are for joints."""
    if config.modality != POSE:
        return config
    return replace(config, **{k: value for k, value in DEFAULTS.items() if k not in given})


def require_sensible(config: TrainConfig) -> None:
    """Refuse settings that a training on joints cannot obey.

    Raises:
        UsageError: one is not at its default, or joints are combined with pictures, or the modality
            is none.
    """
    if POSE not in config.modality.split("+"):
        return
    try:
        parts = parts_of(config.modality)
    except ValueError as error:
        raise UsageError(f"--modality: {error}") from None
    if len(parts) > 1:
        raise UsageError(
            f"--modality {config.modality}: a network is trained on joints alone or on pictures "
            f"alone; `{program()} teach --from VIDEOS --modality {config.modality}` learns from "
            "both together"
        )
    for setting in fields(TrainConfig):
        reason = REFUSED.get(setting.name)
        if reason is not None and getattr(config, setting.name) != setting.default:
            option = f"--{setting.name.replace('_', '-').replace('num-', '')}"
            raise UsageError(f"{option} cannot be set with --modality pose: {reason}")
    if config.sampling != "sliding":
        raise UsageError(
            f"--sampling {config.sampling} cannot be used with --modality pose: joints have "
            "speeds, so all windows need the same length; give --clip-seconds"
        )
    if config.frames_per_clip < _FEWEST_FRAMES:
        raise UsageError("--modality pose needs --frames 2 or more: one picture shows no motion")
