"""Settings of a training of someone's own network: what its clips imply, and what has no effect."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from rtaction.errors import UsageError
from rtaction.modality import USUAL_MODALITY
from rtaction.train.networks.own import OwnNetwork
from rtaction.train.settings.config import TrainConfig

_DECIDED = ("head", "dropout", "pretrained", "trainable_layers", "pooling")
"""Settings that say how rtaction builds a network."""


def with_shape_of(own: OwnNetwork, config: TrainConfig, given: Collection[str]) -> TrainConfig:
    """The settings with the frames, size and channels of a built model, for those not given.

    Settings that were given are left as they are; `OwnNetwork.build` refuses what does not fit.

    Args:
        own: the network; one that leaves its shape open changes nothing.
        config: the settings.
        given: names of the settings that were given.

    Raises:
        UsageError: it takes frames of so many channels that these have no usual modality.
    """
    if own.takes is None:
        return config
    *sizes, channels = own.takes
    implied: dict[str, Any] = dict(
        zip(("frames_per_clip", "height", "width"), sizes, strict=True), modality=None
    )
    if channels is not None and "modality" not in given:
        if channels not in USUAL_MODALITY:
            raise UsageError(
                f"{own.name} takes frames of {channels} channels; say with --modality what they "
                "show, such as rgb+flow (5) or rgb+diff (4)"
            )
        implied["modality"] = USUAL_MODALITY[channels]
    values = {k: v for k, v in implied.items() if v is not None and k not in given}
    if config.chosen_but is not None:
        values["chosen_but"] = tuple(dict.fromkeys([*config.chosen_but, *values]))
    return replace(config, **values)


def settings_for(config: TrainConfig, own: OwnNetwork | None) -> TrainConfig:
    """Check the settings for someone's own network, and keep `--auto` from those that it decides.

    Args:
        config: the settings.
        own: the network; None if it is one of rtaction's, for which nothing changes.

    Raises:
        UsageError: a setting was given that has no effect.
    """
    if own is None:
        return config
    defaults = {one.name: one.default for one in fields(TrainConfig)}
    for name in _DECIDED:
        if getattr(config, name) != defaults[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} cannot be set with {own.name}: that decides it; leave "
                "it out"
            )
    if config.chosen_but is None:
        return config
    kept = tuple(dict.fromkeys([*config.chosen_but, "network", *_DECIDED]))
    return replace(config, chosen_but=kept)
