"""Precision, recall, false alarms and delays of detected events against true intervals."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtaction.evaluation.classification import PrecisionRecall
from rtaction.evaluation.estimate import Estimate, clusters_of, rate
from rtaction.evaluation.event_pairs import Pair, WatchedTime, match_events

IOUS = (0.3, 0.5, 0.7)
"""From this IoU, an event counts as detected."""
_DELAY_QUANTILES = (0.5, 0.9)
_SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class EventFigures:
    """Figures of one label, or of all together.

    Args:
        label: the label; "" for all.
        num_events: number of detected events.
        num_intervals: number of true intervals.
        at_iou: precision of the events and recall of the intervals, by IoU.
        false_alarms_an_hour: events that overlap no interval of their label.
        onset_delays_seconds: median and 90 % quantile of the time from an interval's true start to
            the moment at which its event was reported; None if none was detected.
        start_errors_seconds: the same, to the reported start of the event.
    """

    label: str
    num_events: int
    num_intervals: int
    at_iou: dict[float, PrecisionRecall]
    false_alarms_an_hour: Estimate
    onset_delays_seconds: tuple[float, float] | None
    start_errors_seconds: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "label": self.label or None,
            "events": self.num_events,
            "intervals": self.num_intervals,
            "iou": {f"{iou:g}": one.to_dict() for iou, one in self.at_iou.items()},
            "false_alarms_an_hour": self.false_alarms_an_hour.to_dict(),
            "onset_delay_seconds": _quantiles_dict(self.onset_delays_seconds),
            "start_error_seconds": _quantiles_dict(self.start_errors_seconds),
        }


def event_figures(
    watched: Sequence[WatchedTime], labels: Sequence[str], *, grouped: bool
) -> tuple[EventFigures, ...]:
    """Figures of all labels together, then of each.

    Args:
        watched: the videos.
        labels: those that the model can detect.
        grouped: whether groups were given; otherwise each event counts as independent.
    """
    pairs = [pair for one in watched for pair in match_events(one)]
    return tuple(
        _figures(
            label, [pair for pair in pairs if label in ("", _label_of(pair))], watched, grouped
        )
        for label in ("", *labels)
    )


def mean_f1(watched: Sequence[WatchedTime]) -> float:
    """F1 over all events, averaged over `IOUS`; 0.0 if there are neither events nor intervals."""
    pairs = [pair for one in watched for pair in match_events(one)]
    num_events = sum(pair.event is not None for pair in pairs)
    num_intervals = sum(pair.interval is not None for pair in pairs)
    found = [sum(pair.iou >= iou for pair in pairs) for iou in IOUS]
    return 2 * float(np.mean(found)) / max(num_events + num_intervals, 1)


def _figures(
    label: str, pairs: Sequence[Pair], watched: Sequence[WatchedTime], grouped: bool
) -> EventFigures:
    detected = [
        (pair.event, pair.interval.start_seconds)
        for pair in pairs
        if pair.iou >= IOUS[0] and pair.event is not None and pair.interval is not None
    ]
    return EventFigures(
        label=label,
        num_events=sum(pair.event is not None for pair in pairs),
        num_intervals=sum(pair.interval is not None for pair in pairs),
        at_iou={iou: _at_iou(pairs, iou, grouped) for iou in IOUS},
        false_alarms_an_hour=_false_alarms(pairs, watched, grouped),
        onset_delays_seconds=_quantiles([one.reported_seconds - at for one, at in detected]),
        start_errors_seconds=_quantiles([one.start_seconds - at for one, at in detected]),
    )


def _at_iou(pairs: Sequence[Pair], iou: float, grouped: bool) -> PrecisionRecall:
    items = []
    for pair in pairs:
        if pair.iou >= iou:
            items.append((True, True, pair.group))
        else:
            # A pair that overlaps too little is a wrong event and a missed interval.
            items += [(False, True, pair.group)] * (pair.event is not None)
            items += [(True, False, pair.group)] * (pair.interval is not None)
    is_true, is_event = np.array([one[:2] for one in items], bool).reshape(-1, 2).T
    groups = [group for _, _, group in items]
    clusters = clusters_of(groups) if grouped else np.arange(len(groups))
    return PrecisionRecall.measure(is_true, is_event, clusters)


def _false_alarms(pairs: Sequence[Pair], watched: Sequence[WatchedTime], grouped: bool) -> Estimate:
    counts: Counter[str] = Counter()
    hours: dict[str, float] = defaultdict(float)
    for pair in pairs:
        counts[pair.group] += pair.is_false_alarm
    for one in watched:
        hours[one.group] += one.duration_seconds / _SECONDS_AN_HOUR
    return rate([counts[group] for group in hours], list(hours.values()), clustered=grouped)


def _label_of(pair: Pair) -> str:
    one = pair.event or pair.interval
    return one.label if one else ""


def _quantiles(values: Sequence[float]) -> tuple[float, float] | None:
    if not values:
        return None
    median, late = np.quantile(values, _DELAY_QUANTILES).tolist()
    return median, late


def _quantiles_dict(quantiles: tuple[float, float] | None) -> dict[str, float] | None:
    if quantiles is None:
        return None
    return {"median": round(quantiles[0], 6), "p90": round(quantiles[1], 6)}
