"""From windows to predictions: one model for all sources.

Frames of several sources are encoded in one batch, and their windows scored in one batch. Each
frame is encoded once, however much the windows overlap; the windows of people come encoded.
The engine knows nothing about cameras, threads or display windows.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.windows.people_tracker import PeopleTracker
from rtaction.realtime.windows.person_window import PersonWindow
from rtaction.realtime.windows.tracker import FrameWindow, Tracker
from rtaction.realtime.windows.whole_tracker import WholeTracker

AnyTracker: TypeAlias = Tracker | WholeTracker | PeopleTracker
AnyWindow: TypeAlias = FrameWindow | PersonWindow

# A larger batch gains nothing, and delays its first items until the last is ready.
MAX_IMAGES_AT_ONCE = 32


class Scorer(Protocol):
    """The part of a model that the engine needs; `ActionModel` has it."""

    spec: ModelSpec

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Features (num_images, ...) of uint8 images."""

    def score(self, clip_features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Scores (num_clips, num_labels) of features (num_clips, frames_per_clip, ...)."""


class Engine:
    """Runs a model on windows.

    Args:
        model: the model.

    Attributes:
        num_encoded: number of frames encoded so far.
        model_seconds: time spent in the model so far.
    """

    def __init__(self, model: Scorer) -> None:
        self.num_encoded = 0
        self.model_seconds = 0.0
        self._model = model

    def predict_due(
        self,
        trackers: Iterable[AnyTracker],
        *,
        is_live: bool,
        ended: Collection[AnyTracker] = (),
    ) -> list[Prediction]:
        """Score the windows that are due, in one batch; see `Tracker.due`.

        Args:
            trackers: one per source.
            is_live: see `predict`.
            ended: those whose source has ended. Default none.
        """
        started_seconds = time.monotonic()
        taken: list[tuple[AnyTracker, AnyWindow]] = []
        for tracker in trackers:
            taken += [(tracker, window) for window in tracker.due(has_ended=tracker in ended)]
        return self.predict(taken, is_live=is_live, started_seconds=started_seconds)

    def predict(
        self,
        taken: Sequence[tuple[AnyTracker, AnyWindow]],
        *,
        is_live: bool,
        started_seconds: float | None = None,
    ) -> list[Prediction]:
        """Score windows in one batch.

        Args:
            taken: each window with the tracker that it came from.
            is_live: whether times are on the monotonic clock, so that frame ages are known.
            started_seconds: when computing began, on the monotonic clock. Default: now.

        Returns:
            One prediction per window, in order.
        """
        if not taken:
            return []
        if started_seconds is None:
            started_seconds = time.monotonic()
        self._encode_missing([window for _, window in taken])
        features = np.stack([_features_of(window) for _, window in taken])
        # (num_windows, frames_per_clip, ...) to (num_windows, num_labels)
        scores = self._model.score(features)
        ended_seconds = time.monotonic()
        self.model_seconds += ended_seconds - started_seconds
        predictions = []
        for (tracker, window), window_scores in zip(taken, scores, strict=True):
            newest_seconds = window.times_seconds[-1] if is_live else started_seconds
            prediction = Prediction(
                scores=window_scores,
                labels=self._model.spec.labels,
                start_seconds=window.times_seconds[0],
                end_seconds=window.times_seconds[-1],
                latency_seconds=max(ended_seconds - newest_seconds, 0.0),
                source=tracker.source,
                frame_age_seconds=max(started_seconds - newest_seconds, 0.0),
                frame=window.frame,
            )
            if isinstance(window, PersonWindow):
                prediction = replace(
                    prediction,
                    person=window.person,
                    box=window.box,
                    joints=window.joints,
                    zones=window.zones,
                )
            predictions.append(prediction)
        return predictions

    def _encode_missing(self, windows: Sequence[AnyWindow]) -> None:
        # A frame may occur twice in a window; it is encoded once.
        missing = list(
            {
                id(picture): picture
                for window in windows
                if isinstance(window, FrameWindow)
                for picture in window.values
                if picture.features is None
            }.values()
        )
        for start in range(0, len(missing), MAX_IMAGES_AT_ONCE):
            batch = missing[start : start + MAX_IMAGES_AT_ONCE]
            images = np.stack([picture.image for picture in batch])
            for picture, features in zip(batch, self._model.encode(images), strict=True):
                picture.features = features
            self.num_encoded += len(batch)


def _features_of(window: AnyWindow) -> npt.NDArray[Any]:
    """The results of `Scorer.encode`, shape (frames_per_clip, ...)."""
    if isinstance(window, PersonWindow):
        return window.features
    features = [p.features for p in window.values if p.features is not None]
    return np.stack(features)
