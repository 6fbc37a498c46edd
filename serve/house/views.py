"""How a camera is right now, for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rtaction.arrays import Float32Array
from rtaction.prediction import Box
from rtaction.realtime.watching.stats import Histogram
from rtaction.realtime.windows.state import State
from rtaction.serve.house.record import iso

CameraState = State | Literal["disabled", "resting"]
"""A state of a source; "disabled" by a person, or "resting" by its schedule."""

Corners = tuple[tuple[float, float], ...]
"""x and y of each corner of a polygon, as shares of the picture's width and height, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """Somebody who is seen now.

    Args:
        person: their id.
        label: what they do, None if it is nothing of note.
        score: its smoothed score, 0 to 1.
        box: around their joints.
        joints: float32, shape (17, 3), see `rtaction.prediction.Prediction`; None if unknown.
    """

    person: int
    label: str | None
    score: float
    box: Box | None = None
    joints: Float32Array | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView:
    """How a camera is right now.

    Args:
        id: letters, digits and hyphens, for addresses and topics; unique and lasting, as it is
            made of the name.
        name: for a person; it never contains a password.
        is_enabled: as a person set it.
        state: whether labels can be given for it.
        reason: why not, for a person; "" if the state says it all.
        since: when it came into this state, in UTC.
        picture_age_seconds: age of its newest picture; None if there was none.
        frames_per_second, labels_per_second: over the last seconds.
        scores: the best labels with their smoothed scores, best first; the highest over the people
            of a model of people.
        active: labels of the events that go on.
        people: who is seen now.
        zones: corners by name.
        masks: polygons that are black in every picture.
        model: file name of its model.
        labels: all labels that its events may have.
        thresholds: score at which an event of a label starts.
        drops: frames and windows that were not used so far, by reason.
        num_frames, num_labels, num_events, num_reconnects: so far.
        latency: from capture to label, so far; shared with those who count, so only to be read.
            None: nobody counts.
        frame_age: age of the newest frame when computing began, likewise.
    """

    id: str
    name: str
    is_enabled: bool
    state: CameraState
    reason: str
    since: datetime
    picture_age_seconds: float | None = None
    frames_per_second: float = 0.0
    labels_per_second: float = 0.0
    scores: tuple[tuple[str, float], ...] = ()
    active: tuple[str, ...] = ()
    people: tuple[PersonView, ...] = ()
    zones: Mapping[str, Corners] = field(default_factory=dict)
    masks: tuple[Corners, ...] = ()
    model: str = ""
    labels: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    drops: Mapping[str, int] = field(default_factory=dict)
    num_frames: int = 0
    num_labels: int = 0
    num_events: int = 0
    num_reconnects: int = 0
    latency: Histogram | None = field(default=None, repr=False, compare=False)
    frame_age: Histogram | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; times in ISO 8601, shares and scores with four digits, no joints
        and no histograms."""
        age = self.picture_age_seconds
        return {
            "id": self.id,
            "name": self.name,
            "enabled": self.is_enabled,
            "state": self.state,
            "reason": self.reason,
            "since": iso(self.since),
            "picture_age_seconds": None if age is None else round(age, 3),
            "frames_per_second": round(self.frames_per_second, 1),
            "labels_per_second": round(self.labels_per_second, 1),
            "scores": [{"label": label, "score": round(score, 4)} for label, score in self.scores],
            "active": list(self.active),
            "people": [
                {
                    "person": one.person,
                    "label": one.label,
                    "score": round(one.score, 4),
                    "box": None if one.box is None else [round(edge, 4) for edge in one.box],
                }
                for one in self.people
            ],
            "zones": {name: [list(corner) for corner in zone] for name, zone in self.zones.items()},
            "masks": [[list(corner) for corner in mask] for mask in self.masks],
            "model": self.model,
            "labels": list(self.labels),
            "thresholds": {label: round(at, 4) for label, at in self.thresholds.items()},
            "drops": dict(self.drops),
            "frames": self.num_frames,
            "predictions": self.num_labels,
            "events": self.num_events,
            "reconnects": self.num_reconnects,
        }
