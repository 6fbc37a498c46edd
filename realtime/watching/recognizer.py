"""Frames in, predictions out, for one source.

The recognizer knows nothing of cameras, threads or screens.
"""

from __future__ import annotations

from rtaction.prediction import Prediction
from rtaction.realtime.sources.deferred_frame import FrameLike
from rtaction.realtime.windows.engine import Engine, Scorer
from rtaction.realtime.windows.state import State
from rtaction.realtime.windows.tracker import Tracker


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
        self.tracker = Tracker(model.spec, stride_seconds=stride_seconds, is_live=live)
        self._engine = Engine(model)
        self._live = live

    @property
    def num_encoded(self) -> int:
        """Pictures encoded so far."""
        return self._engine.num_encoded

    @property
    def state(self) -> State:
        """Whether the newest window could be given a label."""
        return self.tracker.state

    def see(self, frame: FrameLike) -> list[Prediction]:
        """Take in the next frame of the source.

        Returns:
            A prediction for each window that this frame completes; mostly none or one.
        """
        self.tracker.push(frame)
        predictions = []
        while (window := self.tracker.take()) is not None:
            predictions += self._engine.predict([(self.tracker, window)], is_live=self._live)
        return predictions

    def finish(self) -> list[Prediction]:
        """At the end of a file: the windows that end while its last frame is still shown."""
        predictions = []
        while (window := self.tracker.take_last()) is not None:
            predictions += self._engine.predict([(self.tracker, window)], is_live=self._live)
        return predictions
