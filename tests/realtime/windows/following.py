"""One source followed frame by frame, as a file is."""

from __future__ import annotations

from rtaction.frame import FrameLike
from rtaction.prediction import Prediction
from rtaction.realtime.windows.engine import Engine, Scorer
from rtaction.realtime.windows.tracker import Tracker


class Follower:
    """The tracker and the engine of one source."""

    def __init__(
        self, model: Scorer, *, stride_seconds: float | None = None, live: bool = False
    ) -> None:
        self.tracker = Tracker(model.spec, stride_seconds=stride_seconds, is_live=live)
        self.engine = Engine(model)
        self._live = live

    def see(self, frame: FrameLike) -> list[Prediction]:
        """The predictions that a frame completes."""
        self.tracker.push(frame)
        return self.engine.predict_due([self.tracker], is_live=self._live)

    def finish(self) -> list[Prediction]:
        """The predictions that are left at the end of a file."""
        return self.engine.predict_due([self.tracker], ended=[self.tracker], is_live=self._live)
