"""Settings of `--network dtpp`: their defaults, and what makes no sense with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from rtaction.errors import UsageError
from rtaction.train.choices import DTPP
from rtaction.train.settings.config import TrainConfig

DEFAULTS: dict[str, Any] = {
    "head": "max_pyramid",
    "sampling": "segments",
    "modality": "rgb+flow_stack",
    "frames_per_clip": 8,
}
"""Those of the paper, but for the number of segments, which is 25 there."""


def with_defaults(config: TrainConfig, given: Collection[str]) -> TrainConfig:
    """The settings with `DEFAULTS` for those that were not given, if they are for dtpp."""
    if config.network != DTPP:
        return config
    return replace(config, **{k: value for k, value in DEFAULTS.items() if k not in given})


def require_sensible(config: TrainConfig) -> None:
    """Refuse settings that contradict the network.

    Raises:
        UsageError: the encoder of streams is given for a network without any, or all settings are
            to be chosen for dtpp.
    """
    if config.network != DTPP:
        if config.stream_encoder != "light":
            raise UsageError(
                f"--stream-encoder {config.stream_encoder} is for --network dtpp; for one encoder "
                f"of all channels, give --network {config.stream_encoder}"
            )
    elif config.chosen_but is not None:
        raise UsageError(
            "--auto cannot choose settings for --network dtpp, which has settings of its own; "
            "leave one of them out"
        )
