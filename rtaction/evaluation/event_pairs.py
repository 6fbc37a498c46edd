"""Pair detected events with the true intervals of actions.

An event and an interval of the same label and video are compared by the intersection over union
(IoU) of their times. Pairs are made greedily, the highest IoU first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtaction.evaluation.intervals import Interval


@dataclass(frozen=True, slots=True)
class Event:
    """A detected event.

    Args:
        label: the action.
        start_seconds: its start, as reported.
        end_seconds: its end, as reported.
        reported_seconds: when its start was reported: the time of the newest frame seen by then.
    """

    label: str
    start_seconds: float
    end_seconds: float
    reported_seconds: float


@dataclass(frozen=True, slots=True)
class WatchedTime:
    """The detected events and the true intervals of one video.

    Args:
        path: the video.
        events: the detected events.
        intervals: the true ones, only those whose label the model can detect.
        duration_seconds: length of the video.
        group: group of the video.
    """

    path: Path
    events: tuple[Event, ...]
    intervals: tuple[Interval, ...]
    duration_seconds: float
    group: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "path": str(self.path),
            "group": self.group,
            "duration_seconds": round(self.duration_seconds, 3),
            "events": [
                {
                    "label": event.label,
                    "start_seconds": round(event.start_seconds, 6),
                    "end_seconds": round(event.end_seconds, 6),
                    "told_seconds": round(event.reported_seconds, 6),
                }
                for event in self.events
            ],
            "intervals": [
                {
                    "label": interval.label,
                    "start_seconds": interval.start_seconds,
                    "end_seconds": interval.end_seconds,
                }
                for interval in self.intervals
            ],
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """An event and an interval that overlap, or one of the two alone.

    Args:
        event: None if nothing was detected.
        interval: None if there was no action.
        iou: of their times, 0 if one is missing.
        is_false_alarm: whether the event overlaps no interval of its label at all.
        group: of the video.
    """

    event: Event | None
    interval: Interval | None
    iou: float
    is_false_alarm: bool
    group: str


def temporal_iou(event: Event, interval: Interval) -> float:
    """Intersection over union of two intervals, 0 to 1."""
    common_seconds = _overlap_seconds(event, interval)
    both_seconds = (event.end_seconds - event.start_seconds) + (
        interval.end_seconds - interval.start_seconds
    )
    return common_seconds / (both_seconds - common_seconds)


def match_events(watched: WatchedTime) -> list[Pair]:
    """Pair events with intervals of their label, the highest IoU first; each is used once.

    The pairs at a high IoU are the first of those at a lower one, so one pairing serves all.

    Returns:
        Pairs that overlap, then the remaining events and intervals.
    """
    candidates = [
        (temporal_iou(event, interval), number, position)
        for number, event in enumerate(watched.events)
        for position, interval in enumerate(watched.intervals)
        if event.label == interval.label and _overlap_seconds(event, interval) > 0
    ]
    # An event of a single window has no length, but may be within an interval.
    overlapping = {
        number
        for number, event in enumerate(watched.events)
        for interval in watched.intervals
        if event.label == interval.label and _touches(event, interval)
    }
    pairs: list[Pair] = []
    events_left = dict(enumerate(watched.events))
    intervals_left = dict(enumerate(watched.intervals))
    for iou, number, position in sorted(candidates, key=lambda one: (-one[0], *one[1:])):
        if number in events_left and position in intervals_left:
            event, interval = events_left.pop(number), intervals_left.pop(position)
            pairs.append(Pair(event, interval, iou, False, watched.group))
    for number, event in events_left.items():
        pairs.append(Pair(event, None, 0.0, number not in overlapping, watched.group))
    return pairs + [
        Pair(None, interval, 0.0, False, watched.group) for interval in intervals_left.values()
    ]


def _overlap_seconds(event: Event, interval: Interval) -> float:
    starts, ends = (
        (event.start_seconds, interval.start_seconds),
        (event.end_seconds, interval.end_seconds),
    )
    return max(min(ends) - max(starts), 0.0)


def _touches(event: Event, interval: Interval) -> bool:
    return (
        event.start_seconds <= interval.end_seconds and event.end_seconds >= interval.start_seconds
    )
