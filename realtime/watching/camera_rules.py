"""What makes an event of each source: thresholds, labels and places."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.pose.region import Zone
from rtaction.realtime.actions.rules import ActionRules, layered
from rtaction.realtime.cameras.camera import Camera


@dataclass(frozen=True, slots=True)
class SourceRules:
    """What makes an event of one source.

    Args:
        rules: when scores do.
        labels: that events may have. Default None: all.
        zones: people who stand there make events. Default none: people anywhere.
    """

    rules: ActionRules
    labels: tuple[str, ...] | None = None
    zones: tuple[Zone, ...] = ()

    def counting(self, zones: Collection[str]) -> Collection[str] | None:
        """The labels that may be events of somebody who stands in these zones; None for all.

        Args:
            zones: names; others than those of the source count for nothing.
        """
        entered = [zone.labels for zone in self.zones if zone.name in zones]
        if not self.zones or None in entered:
            return self.labels
        there = {label for labels in entered for label in labels or ()}
        return there if self.labels is None else there & set(self.labels)


def source_rules(
    camera: Camera,
    spec: ModelSpec,
    *,
    actions: Mapping[str, Any] | None = None,
    given: Mapping[str, Any] | None = None,
) -> SourceRules:
    """What makes an event of a camera.

    Args:
        camera: its own table takes the place of `actions`, key by key.
        spec: of its model.
        actions: the table `[actions]` for all cameras. Default none.
        given: such a table that takes the place of both, as of a command line. Default none.

    Raises:
        UsageError: see `check_labels`; or the tables contradict each other.
    """
    check_labels(camera, spec)
    table = layered(layered(actions or {}, camera.actions), given or {})
    return SourceRules(_rules(camera, spec, table), camera.labels, camera.zones)


def check_labels(camera: Camera, spec: ModelSpec) -> None:
    """Check what is said of a camera's events against its model.

    Args:
        camera: as it is in its file.
        spec: of its model.

    Raises:
        UsageError: a label that the model does not have, a rule that is not possible, or places for
            people with a model of whole pictures; it names the camera and the key.
    """
    for key, value in (("region", camera.region), ("zones", camera.zones)):
        if value and not spec.follows_people:
            raise UsageError(
                f"{key} of {camera.name!r} is for models of people (modality pose), and this model "
                f"sees whole pictures (modality {spec.modality}); use roi or masks, or leave it out"
            )
    known = [label for label in spec.labels if label != spec.background_label]
    named = {"labels": camera.labels}
    named |= {f"zones.{zone.name}.labels": zone.labels for zone in camera.zones}
    for key, labels in named.items():
        for label in labels or ():
            if label not in known:
                raise UsageError(
                    f"{key} of {camera.name!r}: the model has no label {label!r} for events; "
                    f"expected some of {', '.join(known)}"
                )
    _rules(camera, spec, camera.actions)


def _rules(camera: Camera, spec: ModelSpec, table: Mapping[str, Any]) -> ActionRules:
    try:
        return ActionRules.for_model(spec, overrides=table)
    except UsageError as error:
        if not camera.actions:
            raise  # it is not the camera's
        raise UsageError(f"{error} ([camera.actions] of {camera.name!r})") from None
