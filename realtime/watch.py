"""From a source and a model to predictions: the loop under `rtaction cam`, and for other programs.

A file is read frame by frame, every window is scored, and a second run gives the same. A live
source is read by a thread that keeps the newest frame, and windows that come late are given up, so
that the predictions stay in the present.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from rtaction.frame import Frame
from rtaction.prediction import Prediction
from rtaction.realtime.action_model import ActionModel
from rtaction.realtime.address import parse_address
from rtaction.realtime.latest_frame import LatestFrame
from rtaction.realtime.recognizer import Recognizer
from rtaction.realtime.sources import Source, open_source

# How long a live loop may go without a look at the keyboard.
_IDLE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened with one frame.

    Args:
        frame: the frame, or None where no new one came for 0.1 s.
        predictions: of the windows that it completed; mostly none or one.
        num_frames_dropped: frames of a live source that nobody had time for, so far.
    """

    frame: Frame | None
    predictions: list[Prediction] = field(default_factory=list)
    num_frames_dropped: int = 0


Moments = Generator[Moment, None, None]


def watch_source(source: Source, recognizer: Recognizer) -> Moments:
    """Follow one source until it ends.

    Args:
        source: an open source; closed at the end.
        recognizer: of the model, `live` as the source is.

    Raises:
        CameraLost: a live source stopped answering.
    """
    return _follow_live(source, recognizer) if source.is_live else _follow(source, recognizer)


def _follow(source: Source, recognizer: Recognizer) -> Moments:
    for frame in source.frames():
        yield Moment(frame, recognizer.see(frame))
    if last := recognizer.finish():
        yield Moment(None, last)


def _follow_live(source: Source, recognizer: Recognizer) -> Moments:
    with LatestFrame(source) as latest:
        while not latest.ended:
            frame = latest.get(_IDLE_SECONDS)
            predictions = recognizer.see(frame) if frame is not None else []
            yield Moment(frame, predictions, latest.num_dropped)
        latest.get(0.0)  # raises what ended the source, if anything did
    if last := recognizer.finish():
        yield Moment(None, last)


def watch(
    source: str | Path,
    model: str | Path | ActionModel,
    *,
    device: str = "auto",
    stride_seconds: float | None = None,
) -> Iterator[Prediction]:
    """Recognise actions in a video, a webcam or a stream.

    Args:
        source: a webcam's number as text, a video file, or an rtsp:// or http:// address.
        model: an ONNX file made by `rtaction export`, or a loaded one.
        device: "auto", "cpu", "cuda" or "cuda:N". Default "auto".
        stride_seconds: distance between two windows. Default: that of two pictures in a clip.

    Yields:
        A prediction for each window. A file's times count from its first frame, a camera's are on
        the monotonic clock.

    Raises:
        RtactionError: see `rtaction.errors`.

    Example:
        >>> for prediction in rtaction.watch("0", "model.onnx"):
        ...     print(prediction.label, prediction.score)
    """
    if not isinstance(model, ActionModel):
        model = ActionModel(Path(model), device=device)
    opened = open_source(parse_address(str(source)))
    recognizer = Recognizer(model, stride_seconds=stride_seconds, live=opened.is_live)
    with closing(watch_source(opened, recognizer)) as moments:
        for moment in moments:
            yield from moment.predictions
