"""The cameras of `rtaction cam`, and what makes events of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.cameras.cameras_file import load_cameras, with_sources
from rtaction.realtime.watching.camera_rules import SourceRules, source_rules

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CamSources:
    """What is watched.

    Args:
        cameras: at least one.
        actions: the table [actions] of their file, unchecked. Default empty.
    """

    cameras: Sequence[Camera]
    actions: dict[str, Any] = field(default_factory=dict)


def cam_sources(config: CamConfig, model: Path) -> CamSources:
    """The cameras of the command line and of the cameras' file, without those that are disabled.

    Args:
        config: the options.
        model: the file of the model that watches all of them.

    Raises:
        UsageError, SourceMissing: see `load_cameras` and `cameras_of`; a camera has another model;
            an output would overwrite what is read.
    """
    texts = list(config.sources)
    cameras: list[Camera] = []
    actions: dict[str, Any] = {}
    if config.cameras_file is not None:
        loaded = load_cameras(config.cameras_file)
        cameras = _watched_by_cam(loaded.cameras, config.cameras_file, model)
        actions = loaded.actions
        if not (cameras or texts):
            raise UsageError(f"{config.cameras_file}: all of its cameras have enabled = false")
    cameras = with_sources(cameras, texts, config.cameras_file)
    if not config.follow:
        cameras = [replace(camera, follow=False) for camera in cameras]
    _check_overwriting(config, cameras, model)
    return CamSources(cameras, actions)


def rules_by_source(
    sources: CamSources, spec: ModelSpec, config: CamConfig
) -> dict[str, SourceRules]:
    """What makes events of each camera, by its name.

    Raises:
        UsageError: see `source_rules`.
    """
    return {
        camera.name: source_rules(camera, spec, actions=sources.actions, given=config.rules)
        for camera in sources.cameras
    }


def _watched_by_cam(cameras: Sequence[Camera], path: Path, model: Path) -> list[Camera]:
    """Those that are enabled; what only `rtaction serve` can do is refused or told."""
    enabled = [camera for camera in cameras if camera.is_enabled]
    for camera in enabled:
        if camera.model is not None and camera.model.resolve() != model.resolve():
            raise UsageError(
                f"{path}: model of {camera.name!r}: rtaction cam watches all cameras with one "
                f"model, that of --model, {model}; leave it out, or use rtaction serve"
            )
    scheduled = [camera.name for camera in enabled if not camera.schedule.is_always]
    if scheduled:
        _log.warning(
            "%s: rtaction cam watches %s at any time; schedule and quiet are for rtaction serve",
            *(path, ", ".join(scheduled)),
        )
    return enabled


def _check_overwriting(config: CamConfig, cameras: list[Camera], model: Path) -> None:
    taken = {model.resolve(): "the model"}
    if config.cameras_file is not None:
        taken[config.cameras_file.resolve()] = "the cameras file"
    taken |= {
        Path(str(camera.address.target)).resolve(): "the source"
        for camera in cameras
        if camera.address.kind == "file"
    }
    log = Path(config.output) if config.output not in (None, "-") else None
    for option, path in (("--save", config.save), ("--output", log)):
        if path is None:
            continue
        if path.resolve() in taken:
            name = taken[path.resolve()]
            raise UsageError(f"{option} {path} would overwrite {name}; choose another name")
        taken[path.resolve()] = f"what {option} writes"
