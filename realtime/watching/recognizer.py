"""Recognition in frames that a program of one's own gets: arrays in, predictions out.

This module knows nothing about cameras and files.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtaction.errors import UsageError
from rtaction.frame import Frame
from rtaction.models import ACTIONS_MODEL
from rtaction.prediction import Prediction
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.sources.stamps import ArrivalStamps
from rtaction.realtime.watching.actions import Actions, EventCallback, StateCallback, Teller
from rtaction.realtime.watching.follower import Follower, why_nothing
from rtaction.realtime.watching.moment import Moment
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.people import count_options
from rtaction.realtime.windows.state import State
from rtaction.realtime.windows.who_counts import Persons

_NAME = "frames"
_EXPECTED = "expected a frame as a numpy array, uint8 RGB of shape (height, width, 3)"
_log = logging.getLogger(__name__)


class Recognizer:
    """Recognises actions in frames that come one by one from a loop of one's own.

    The time of a frame is the one given with it; or its number divided by `frames_per_second`; or,
    with neither, the moment at which it comes, as is right for a camera. In the first two cases
    every window is judged; in the third, those that come too late are left out.

    Args:
        model: an ONNX file made by `rtaction export`, or a loaded model. Default: the bundled one.
        device: see `rtaction cam --device`. Default "auto".
        frames_per_second: of frames that come without times and not from a camera, above 0.
            Default None.
        stride_seconds: time from one window to the next. Default: the frame interval of a clip.
        max_persons: people to recognise at once, for a model of people. Default None: 6.
        person: "all", or only the "largest", for a model of people. Default None: all.
        region: where people count, for a model of people: left, top, right and bottom as shares of
            the picture, or x and y of each corner. Default None: everywhere.
        rules: when scores make an event. Default: `ActionRules.for_model` of the model.
        on_event: called when an event has started, and again, with its end, when it has ended.
        on_state: called when the state changes, that is, whether labels can be given.

    Attributes:
        model: the loaded model; `model.spec` has its labels and timing.

    Raises:
        RtactionError: see `rtaction.errors`.

    Example:
        >>> recognizer = rtaction.Recognizer("model.onnx")
        >>> while True:
        ...     is_there, frame_bgr = capture.read()  # cv2.VideoCapture
        ...     for prediction in recognizer.push(cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB)):
        ...         print(prediction.label, prediction.score)
    """

    def __init__(
        self,
        model: str | Path | ActionModel | None = None,
        *,
        device: str = "auto",
        frames_per_second: float | None = None,
        stride_seconds: float | None = None,
        max_persons: int | None = None,
        person: Persons | None = None,
        region: Sequence[float] | None = None,
        rules: ActionRules | None = None,
        on_event: EventCallback | None = None,
        on_state: StateCallback | None = None,
    ) -> None:
        if frames_per_second is not None and not 0 < frames_per_second < math.inf:
            raise UsageError(
                f"frames_per_second must be a number above 0, such as 25; got {frames_per_second}"
            )
        self.model = load_model(model, device)
        self._options = WatchOptions(
            stride_seconds=stride_seconds,
            frames_beside=True,
            count=count_options(
                self.model.spec, max_persons=max_persons, person=person, region=region
            ),
        )
        self._frames_per_second = frames_per_second
        self._rules = rules
        self._callbacks = on_event, on_state
        self._lent: list[Prediction] = []
        self._restart()

    def _restart(self) -> None:
        actions = Actions(self.model, self._rules, self._options.stride_seconds)
        self._teller = Teller(actions, *self._callbacks)
        self._stamps = ArrivalStamps()
        self._follower: Follower | None = None
        self._is_timed = False
        self._size_hw: tuple[int, int] | None = None
        self._segment = 0

    @property
    def state(self) -> State:
        """Whether the newest window could be judged, and if not, why."""
        return "warming_up" if self._follower is None else self._follower.state

    def push(
        self, image_rgb: npt.NDArray[Any], at_seconds: float | None = None
    ) -> list[Prediction]:
        """Take the next frame.

        Args:
            image_rgb: uint8 RGB, shape (height, width, 3), in any memory layout. OpenCV gives BGR:
                convert its frames with `cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)`. It is copied, so
                that a loop may use its memory again.
            at_seconds: when it was taken, on any clock, later than the frame before; for all
                frames or for none. Default None.

        Returns:
            The predictions of the windows that have ended, by a model of people one for each
            person; none for most frames. Each has the last frame of its window, whose image is
            kept until the next `push`.

        Raises:
            UsageError: not such an array, or not such a time.
            DeviceUnavailable: the accelerator failed.
            ScoresInvalid: a score is not a number from 0 to 1.
        """
        follower = self._follower
        number = 0 if follower is None else follower.num_frames
        image = _copied(image_rgb)
        time_seconds = self._time_of(number, at_seconds)
        if time_seconds is None:
            return []
        if follower is None:
            follower = self._follower = Follower(
                self.model, _NAME, self._options, is_live=not self._is_timed
            )
        if not self._is_timed:
            size_hw = (image.shape[0], image.shape[1])
            self._segment += self._size_hw not in (None, size_hw)
            self._size_hw = size_hw
        return self._give(follower.see(Frame(image, time_seconds, number, _NAME, self._segment)))

    def finish(self) -> list[Prediction]:
        """End: the window that ends while the last frame is still displayed, and ongoing events.

        The next `push` begins anew, with the time of its frame. Without any prediction, a warning
        is logged that says why.
        """
        follower = self._follower
        predictions = [] if follower is None else self._give(follower.end())
        self._teller.finish()
        if follower is not None and not follower.num_predictions:
            why = why_nothing(self.model.spec, follower.num_frames, follower.lasted_seconds)
            if not self._is_timed:
                why += "; these are the times at which frames came: give frames_per_second, or "
                why += "a time with each frame, if they do not come from a camera"
            _log.warning("%s: %s", _NAME, why)
        self._restart()
        return predictions

    def _give(self, moment: Moment) -> list[Prediction]:
        take_back(*self._lent)
        self._lent = list(moment.predictions)
        self._teller.tell(moment)
        return moment.predictions

    def _time_of(self, number: int, at_seconds: float | None) -> float | None:
        """The time of a frame; None for one that came at the same time as the one before."""
        rate = self._frames_per_second
        is_timed = at_seconds is not None or rate is not None
        if at_seconds is not None and rate is not None:
            raise UsageError("expected frames_per_second or a time with each frame, got both")
        if number > 0 and is_timed != self._is_timed:
            raise UsageError("expected a time with each frame or with none, got some with a time")
        self._is_timed = is_timed
        if rate is not None:
            return number / rate
        if at_seconds is None:
            return self._stamps.stamp(None, time.monotonic())
        last_seconds = -math.inf if self._follower is None else self._follower.last_seconds
        if not last_seconds < at_seconds < math.inf:
            raise UsageError(
                f"the time of a frame must be a number of seconds above that of the frame before, "
                f"{last_seconds}; got {at_seconds}; call finish() before a new video"
                if number
                else f"the time of a frame must be a number of seconds, got {at_seconds}"
            )
        return float(at_seconds)


def load_model(model: str | Path | ActionModel | None, device: str) -> ActionModel:
    """A model, loaded unless it is already.

    Args:
        model: a file, a loaded model, or None for the bundled one.
        device: see `ActionModel`.
    """
    if isinstance(model, ActionModel):
        return model
    return ActionModel(Path(model or ACTIONS_MODEL), device=device)


def take_back(*predictions: Prediction) -> None:
    """Let go of the images of predictions."""
    for prediction in predictions:
        if prediction.frame is not None:
            prediction.frame.take_back()


def _copied(image_rgb: Any) -> npt.NDArray[np.uint8]:
    if not isinstance(image_rgb, np.ndarray):
        remedy = "; convert it with numpy.asarray" if hasattr(image_rgb, "__array__") else ""
        raise UsageError(f"{_EXPECTED}; got {type(image_rgb).__name__}{remedy}")
    shape = image_rgb.shape
    if image_rgb.dtype == np.uint8 and len(shape) == 3 and shape[2] == 3 and image_rgb.size:
        return np.array(image_rgb, order="C")
    remedy = ""
    if image_rgb.dtype != np.uint8:
        remedy = "; scale it to 0..255 and convert it with .astype(numpy.uint8)"
    elif len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        remedy = "; convert gray with cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB)"
    elif len(shape) == 3 and shape[2] == 4:
        remedy = "; leave out the fourth channel: frame[..., :3]"
    elif len(shape) == 3 and shape[0] == 3:
        remedy = "; move the channels to the end with frame.transpose(1, 2, 0)"
    raise UsageError(f"{_EXPECTED}; got {image_rgb.dtype} {shape}{remedy}")
