"""Predictions of overlapping windows, or events, as segments of time with one label each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs.drawn.overlay import shown_labels


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of time with one label.

    Args:
        label: the label, several joined by " + ", or None if there was no action.
        start_seconds: start, on the source's clock.
        end_seconds: end, on the source's clock.
        peak_score: highest score of the label, or of one of them, in it; 0.0 without a label.
    """

    label: str | None
    start_seconds: float
    end_seconds: float
    peak_score: float


def to_segments(predictions: Iterable[Prediction], spec: ModelSpec) -> list[Segment]:
    """Join neighbouring predictions with the same label.

    A window counts at its middle; the time between two middles is split equally.

    Args:
        predictions: of one source, in order.
        spec: thresholds and background label.
    """
    segments: list[Segment] = []
    last_middle_seconds = 0.0
    for prediction in predictions:
        middle_seconds = (prediction.start_seconds + prediction.end_seconds) / 2
        label = " + ".join(sorted(shown_labels(prediction, spec))) or None
        score = prediction.score if label else 0.0
        if not segments:
            start_seconds = max(prediction.start_seconds, 0.0)
            segments.append(Segment(label, start_seconds, prediction.end_seconds, score))
        elif segments[-1].label == label:
            last = segments[-1]
            peak = max(last.peak_score, score)
            segments[-1] = Segment(label, last.start_seconds, prediction.end_seconds, peak)
        else:
            last = segments[-1]
            border_seconds = (last_middle_seconds + middle_seconds) / 2
            segments[-1] = Segment(last.label, last.start_seconds, border_seconds, last.peak_score)
            segments.append(Segment(label, border_seconds, prediction.end_seconds, score))
        last_middle_seconds = middle_seconds
    return segments


def actions_to_segments(events: Iterable[ActionEvent], end_seconds: float) -> list[Segment]:
    """Events that have ended, in order, and the segments between them.

    Args:
        events: of one source; those without an end are left out.
        end_seconds: when the source ends.
    """
    segments: list[Segment] = []
    now_seconds = 0.0
    for event in events:
        if event.end_seconds is None:
            continue
        if event.start_seconds > now_seconds:
            segments.append(Segment(None, now_seconds, event.start_seconds, 0.0))
        segments.append(
            Segment(event.label, event.start_seconds, event.end_seconds, event.peak_score)
        )
        now_seconds = event.end_seconds
    if end_seconds > now_seconds:
        segments.append(Segment(None, now_seconds, end_seconds, 0.0))
    return segments
