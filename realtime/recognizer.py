"""Frames in, predictions out, for one source.

The recognizer knows nothing of cameras, threads or screens.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rtaction.frame import Frame
from rtaction.model_spec import ModelSpec
from rtaction.pixels import UInt8Array, prepare_image
from rtaction.prediction import Prediction
from rtaction.realtime.ring_buffer import RingBuffer, State, Window


class Scorer(Protocol):
    """What the recognizer needs of a model; `ActionModel` is one."""

    spec: ModelSpec

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Features (num_images, num_features) of uint8 images."""

    def score(self, clip_features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Scores (num_clips, num_labels) of features (num_clips, frames_per_clip, num_features)."""


@dataclass(slots=True, eq=False)
class _Seen:
    """One frame as the network sees it, and its features once they are needed."""

    image: UInt8Array
    features: npt.NDArray[np.float32] | None = None


class Recognizer:
    """Names the action in each window of one source.

    Each picture is encoded once, and only if a window uses it.

    Args:
        model: the network.
        stride_seconds: distance between two windows. Default: the distance of two pictures in a
            clip, so that a new window needs one new picture.
        live: give up windows that have become late, so that a slow network stays in the present.
            Default False: every window is scored.
    """

    def __init__(
        self, model: Scorer, *, stride_seconds: float | None = None, live: bool = False
    ) -> None:
        spec = model.spec
        self.num_encoded = 0
        self.num_windows_skipped = 0
        self.num_windows_refused = 0
        self._model = model
        self._live = live
        self._last_window_state: State = "warming_up"
        self._ring: RingBuffer[_Seen] = RingBuffer(
            frames_per_clip=spec.frames_per_clip,
            clip_seconds=spec.clip_seconds,
            stride_seconds=stride_seconds or spec.frame_interval_seconds,
        )
        self._source = ""
        self._newest_seconds = 0.0

    @property
    def state(self) -> State:
        """Whether the newest window could be given a label."""
        return self._last_window_state

    def see(self, frame: Frame) -> list[Prediction]:
        """Take in the next frame of the source.

        Returns:
            A prediction for each window that this frame completes; mostly none or one.
        """
        spec = self._model.spec
        image = prepare_image(
            frame.image, (spec.height, spec.width), modality=spec.modality, resize=spec.resize
        )
        self._ring.push(_Seen(image), frame.captured_at_seconds)
        if len(self._ring) == 1:
            self._last_window_state = "warming_up"
        self._source = frame.source
        self._newest_seconds = frame.captured_at_seconds
        if self._live:
            self.num_windows_skipped += self._ring.skip_to_newest()
        return list(self._due())

    def finish(self) -> list[Prediction]:
        """At the end of a file: the windows that end while its last frame is still shown."""
        predictions = []
        started = time.monotonic()
        while (window := self._ring.take_last()) is not None:
            prediction = self._predict(window, started)
            predictions += [prediction] if prediction else []
        return predictions

    def _due(self) -> Iterator[Prediction]:
        while self._ring.num_due > 0:
            started = time.monotonic()
            prediction = self._predict(self._ring.take(), started)
            if prediction is not None:
                yield prediction

    def _predict(self, window: Window[_Seen], started_seconds: float) -> Prediction | None:
        self._last_window_state = window.state
        if window.state != "ok":
            self.num_windows_refused += 1
            return None
        self._encode_missing(window.values)
        features = np.stack([seen.features for seen in window.values if seen.features is not None])
        scores = self._model.score(features[np.newaxis])[0]  # (num_labels,)
        now = time.monotonic()
        latency = now - (self._newest_seconds if self._live else started_seconds)
        return Prediction(
            scores=scores,
            labels=self._model.spec.labels,
            start_seconds=window.times_seconds[0],
            end_seconds=window.times_seconds[-1],
            latency_seconds=max(latency, 0.0),
            source=self._source,
        )

    def _encode_missing(self, values: Sequence[_Seen]) -> None:
        # A picture may stand twice in a window; it is encoded once.
        missing = list({id(seen): seen for seen in values if seen.features is None}.values())
        if missing:
            encoded = self._model.encode(np.stack([seen.image for seen in missing]))
            self.num_encoded += len(missing)
            for seen, features in zip(missing, encoded, strict=True):
                seen.features = features
