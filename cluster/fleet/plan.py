"""What a fleet watches, as its file of cameras says: checked before any machine is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile
from rtaction.realtime.cameras.cameras_file import load_cameras
from rtaction.realtime.watching.camera_rules import SourceRules, source_rules
from rtaction.serve.watching.setups import Setup, setups_of


@dataclass(frozen=True, slots=True)
class Model:
    """A model of some cameras.

    Args:
        key: another for other content.
        path: its file on this machine.
        spec: its contract.
    """

    key: str
    path: Path
    spec: ModelSpec


@dataclass(frozen=True, slots=True)
class Planned:
    """A camera, its model and the rules of its events."""

    setup: Setup
    model: Model
    rules: SourceRules

    @property
    def settle_seconds(self) -> float:
        """How long after its first label an action that goes on has been reported."""
        rules = self.rules.rules
        longest_seconds = max(one.min_seconds for one in (rules.default, *rules.by_label.values()))
        return self.model.spec.window_seconds + longest_seconds + rules.smoothing_seconds + 1.0


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What is to be watched.

    Args:
        cameras: by id, the most important first.
        tables: of the sinks, see `CamerasFile`.
    """

    cameras: Mapping[str, Planned]
    tables: Mapping[str, Any]

    @property
    def models(self) -> dict[str, Model]:
        """The models, by their keys."""
        return {one.model.key: one.model for one in self.cameras.values()}


def read_plan(path: Path, model: Path) -> FleetPlan:
    """Read a file of cameras, and the models that it names.

    Args:
        path: a cameras.toml.
        model: of cameras that have none of their own.

    Raises:
        RtactionError: a camera, a model or a rule has a mistake.
    """
    loaded = load_cameras(path)
    models: dict[Path, Model] = {}
    cameras = {}
    for setup in setups_of(loaded.cameras, model):
        if setup.camera.address.kind not in ("rtsp", "http"):
            raise UsageError(
                f"{path}: {setup.camera.name!r} is a {setup.camera.address.kind} of one machine; "
                "expected an address that every machine of the fleet can reach, such as rtsp://"
            )
        if setup.model not in models:
            models[setup.model] = _model(setup.model)
        known = models[setup.model]
        rules = source_rules(setup.camera, known.spec, actions=loaded.actions)
        cameras[setup.id] = Planned(setup, known, rules)
    return FleetPlan(cameras, loaded.tables)


def _model(path: Path) -> Model:
    file = OnnxFile.load(path)
    return Model(hashlib.sha256(path.read_bytes()).hexdigest()[:16], path, file.spec)
