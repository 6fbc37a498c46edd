"""What the retained topics of each camera shall hold, see `rtaction.serve.sinks.mqtt`.

This module knows no connection. It is for one thread.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from rtaction.serve.house.record import EventRecord, Phase, iso
from rtaction.serve.house.views import CameraView
from rtaction.serve.sinks.mqtt.home_assistant import announcement, discovery_topic
from rtaction.serve.sinks.mqtt.mirror import Mirror
from rtaction.serve.sinks.mqtt.topics import ACTION, ENABLED, SNAPSHOT, STATE, Topics, label_topics

_ON, _OFF = b"ON", b"OFF"


class CameraTopics:
    """What the retained topics of each camera shall hold.

    Args:
        topics: their names.
        mirror: takes what they hold.
        discovery_prefix: Home Assistant's; "" for no discovery.
        has_snapshots: whether there are pictures.
    """

    def __init__(
        self, topics: Topics, mirror: Mirror, *, discovery_prefix: str, has_snapshots: bool
    ) -> None:
        self._topics = topics
        self._mirror = mirror
        self._discovery_prefix = discovery_prefix
        self._has_snapshots = has_snapshots
        self._views: dict[str, CameraView] = {}
        self._going: dict[tuple[str, str], set[str]] = {}
        self._gone_labels: dict[str, set[str]] = {}
        self._before: dict[str, list[str]] = {}

    def __contains__(self, camera: str) -> bool:
        return camera in self._views

    def camera(self, view: CameraView) -> None:
        """A camera came or has changed. Of one whose model is not loaded yet, no labels are known,
        so that only its switch is shown."""
        before = self._views.get(view.id)
        self._views[view.id] = view
        self._mirror.set(self._topics.of(view.id, ENABLED), _ON if view.is_enabled else _OFF)
        if not view.labels:
            return
        if before is not None:
            self._forget_labels(view, before.labels)
        self._mirror.set(self._topics.of(view.id, STATE), _state(view))
        self._show_labels(view)
        gone = sorted(self._gone_labels.get(view.id, ()))
        if self._discovery_prefix:
            announced = announcement(
                self._topics,
                view,
                label_topics(view.labels),
                has_snapshots=self._has_snapshots,
                gone=gone,
            )
            self._mirror.set(self._announced_at(view.id), json.dumps(announced).encode())
        # Only now: who listens to a topic takes nothing for a value.
        for name in gone:
            self._mirror.set(self._topics.of(view.id, name), b"")

    def gone(self, camera: str, labels_before: Iterable[str] = ()) -> None:
        """A camera is not there any more, or was there in an earlier run, with these labels."""
        view = self._views.pop(camera, None)
        self._gone_labels.pop(camera, None)
        for key in [key for key in self._going if key[0] == camera]:
            del self._going[key]
        labels = label_topics(labels_before if view is None else view.labels).values()
        if self._discovery_prefix:  # first: who listens to a topic takes nothing for a value
            self._mirror.set(self._announced_at(camera), b"")
        self._mirror.remove_below(self._topics.of(camera, ""))
        for what in (STATE, ACTION, SNAPSHOT, ENABLED, *labels):
            self._mirror.set(self._topics.of(camera, what), b"")

    def event(self, record: EventRecord, phase: Phase, payload: bytes) -> None:
        """An event has started or ended, of which `payload` tells."""
        going = self._going.setdefault((record.camera, record.label), set())
        if phase == "start":
            going.add(record.id)
        else:
            going.discard(record.id)
        view = self._views.get(record.camera)
        if view is not None:
            self._show_labels(view)
            self._mirror.set(self._topics.of(record.camera, ACTION), payload)

    def snapshot(self, camera: str, jpeg: bytes) -> None:
        """A picture of the last event."""
        if camera in self._views:
            self._mirror.set(self._topics.of(camera, SNAPSHOT), jpeg)

    def found(self, camera: str, state: bytes) -> None:
        """The broker has this state of a camera, from an earlier run."""
        self._before[camera] = _labels_in(state)

    def tidy(self, watched: Collection[str], *, is_ready: bool) -> None:
        """Remove what an earlier run has told of cameras and labels that are gone.

        Args:
            watched: the cameras that are watched.
            is_ready: whether these are all.
        """
        for camera, labels in list(self._before.items()):
            view = self._views.get(camera)
            if view is not None and view.labels:
                del self._before[camera]
                self._forget_labels(view, labels)
                self.camera(view)
            elif camera not in watched and is_ready:
                del self._before[camera]
                self.gone(camera, labels)

    def announce_again(self) -> None:
        """Home Assistant has started."""
        for camera in self._views:
            self._mirror.forget_told(self._announced_at(camera))

    def _show_labels(self, view: CameraView) -> None:
        for label, name in label_topics(view.labels).items():
            is_on = bool(self._going.get((view.id, label)))
            self._mirror.set(self._topics.of(view.id, name), _ON if is_on else _OFF)

    def _forget_labels(self, view: CameraView, before: Iterable[str]) -> None:
        names = set(label_topics(view.labels).values())
        gone = self._gone_labels.setdefault(view.id, set())
        gone |= set(label_topics(before).values())
        gone -= names

    def _announced_at(self, camera: str) -> str:
        return discovery_topic(self._discovery_prefix, self._topics, camera)


def _state(view: CameraView) -> bytes:
    """What is said of a camera, without what changes all the time."""
    state = {
        "id": view.id,
        "name": view.name,
        "enabled": view.is_enabled,
        "state": view.state,
        "reason": view.reason,
        "since": iso(view.since),
        "model": view.model,
        "labels": list(view.labels),
        "thresholds": {label: round(at, 4) for label, at in view.thresholds.items()},
    }
    return json.dumps(state).encode()


def _labels_in(state: bytes) -> list[str]:
    """The labels in a state; none if it is of somebody else."""
    try:
        told = json.loads(state)
    except ValueError:
        return []
    labels = told.get("labels") if isinstance(told, dict) else None
    return [one for one in labels if isinstance(one, str)] if isinstance(labels, list) else []
