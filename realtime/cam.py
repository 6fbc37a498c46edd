"""`rtaction cam`: one source, watched, drawn, saved and logged until it ends or a person ends
it."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from rtaction.errors import UsageError
from rtaction.frame import Frame
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.action_model import ActionModel
from rtaction.realtime.address import parse_address
from rtaction.realtime.overlay import Status, draw_overlay, shown_label
from rtaction.realtime.prediction_log import PredictionLog
from rtaction.realtime.recognizer import Recognizer
from rtaction.realtime.screen import Screen, open_screen
from rtaction.realtime.sources import FileSource, PacedFileSource, Source, open_source
from rtaction.realtime.watch import watch_source
from rtaction.video import VideoWriter

_SAVED_FRAMES_PER_SECOND = 30.0
_log = logging.getLogger(__name__)
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class CamConfig:
    """What `rtaction cam` was asked to do.

    Args:
        source: see `parse_address`. Default "0", the first webcam.
        show: a window: True, False, or None for "where there is a display". Default None.
        save: video to write, with the overlay. Default None.
        output: file for JSON lines, "-" for stdout. Default None.
        stride_seconds: distance between two windows, above 0. Default: that of two pictures in a
            clip.
        top_k: labels to draw and to log. Default 3.
        threshold: score from which any label is shown. Default: as the model's contract says.
    """

    source: str = "0"
    show: bool | None = None
    save: Path | None = None
    output: str | None = None
    stride_seconds: float | None = None
    top_k: int = 3
    threshold: float | None = None

    def __post_init__(self) -> None:
        stride = self.stride_seconds
        if stride is not None and not 0 < stride < float("inf"):
            raise UsageError(f"--stride-seconds must be above 0 and finite, got {stride}")


LabelCallback = Callable[[float, str | None, float], None]
"""Told when another label is shown: seconds since the source's first frame, label or None,
score."""


@dataclass(slots=True)
class CamSummary:
    """What a run came to.

    Args:
        predictions: all of them, times counted from the source's first frame, where the source was
            a file; a live source, which may run for months, keeps none.
        num_predictions: how many there were.
        num_frames: frames seen.
        num_frames_dropped: frames of a live source that nobody had time for.
        elapsed_seconds: time from first frame to last, as it passed here.
        source_seconds: time from first frame to last, on the source's clock.
        stopped_by_person: whether a key, Ctrl-C or a signal ended it.
    """

    predictions: list[Prediction]
    num_predictions: int = 0
    num_frames: int = 0
    num_frames_dropped: int = 0
    elapsed_seconds: float = 0.0
    source_seconds: float = 0.0
    stopped_by_person: bool = False


def run_cam(
    model: ActionModel, config: CamConfig, *, on_label: LabelCallback | None = None
) -> CamSummary:
    """Watch one source until it ends, or a key, Ctrl-C or a termination signal ends it.

    Args:
        model: a loaded model.
        config: what to do.
        on_label: called when another label is shown. Default None.

    Raises:
        RtactionError: see `rtaction.errors`. Whatever was saved and logged until then is kept.
    """
    address = parse_address(config.source)
    source_file = Path(config.source) if address.kind == "file" else None
    _check_overwriting(config, {"the source": source_file, "the model": Path(model.file.where)})
    with ExitStack() as stack:
        screen = open_screen(config.show)
        if screen is not None:
            stack.enter_context(screen)
        source = open_source(address, paced=screen is not None)
        if source.is_live and config.save and config.save.suffix.lower() == ".webm":
            # OpenCV gives libvpx no other deadline than its slow one.
            _log.warning(
                "VP8 takes some 70 ms a picture of 640x480; live, --save x.avi drops fewer"
            )
        stack.callback(source.close)
        sinks = _Sinks(model, config, source, screen, on_label)
        stack.callback(sinks.close)
        stop = stack.enter_context(_stop_on_signals())
        _watch(model, config, source, sinks, stop)
    return sinks.summary


def _check_overwriting(config: CamConfig, inputs: dict[str, Path | None]) -> None:
    taken = {path.resolve(): name for name, path in inputs.items() if path is not None}
    log = Path(config.output) if config.output not in (None, "-") else None
    for option, path in (("--save", config.save), ("--output", log)):
        if path is None:
            continue
        if path.resolve() in taken:
            name = taken[path.resolve()]
            raise UsageError(f"{option} {path} would overwrite {name}; choose another name")
        taken[path.resolve()] = f"what {option} writes"


def with_threshold(spec: ModelSpec, threshold: float | None) -> ModelSpec:
    """The contract with one threshold for all labels; None leaves it as it is."""
    if threshold is None:
        return spec
    return replace(spec, threshold=threshold, label_thresholds={})


def _watch(
    model: ActionModel,
    config: CamConfig,
    source: Source,
    sinks: _Sinks,
    stop: threading.Event,
) -> None:
    recognizer = Recognizer(model, stride_seconds=config.stride_seconds, live=source.is_live)
    with closing(watch_source(source, recognizer)) as moments:
        for moment in moments:
            if moment.frame is not None:
                sinks.count(moment.frame, moment.num_frames_dropped)
            try:
                for prediction in moment.predictions:
                    sinks.take_prediction(prediction)
            except BrokenPipeError:
                # The program that read our stdout has gone, so nobody listens any more.
                return
            if moment.frame is not None:
                sinks.take_frame(moment.frame, recognizer)
            if stop.is_set() or sinks.wants_to_quit():
                sinks.summary.stopped_by_person = True
                return


class _Sinks:
    """Where frames and predictions go: window, video, log and summary."""

    def __init__(
        self,
        model: ActionModel,
        config: CamConfig,
        source: Source,
        screen: Screen | None,
        on_label: LabelCallback | None,
    ) -> None:
        self.summary = CamSummary([])
        self._spec = with_threshold(model.spec, config.threshold)
        self._device = model.device_in_use
        self._on_label = on_label
        self._label: str | None = None
        self._top_k = config.top_k
        self._keep_predictions = isinstance(source, FileSource | PacedFileSource)
        self._screen = screen
        rate = source.frames_per_second or _SAVED_FRAMES_PER_SECOND
        self._writer = VideoWriter(config.save, frames_per_second=rate) if config.save else None
        self._log = (
            PredictionLog(config.output, self._spec, top_k=config.top_k) if config.output else None
        )
        self._first_frame: Frame | None = None
        self._started_at_seconds = 0.0
        self._newest: Prediction | None = None
        self._recent_seconds: deque[float] = deque(maxlen=31)

    def count(self, frame: Frame, num_frames_dropped: int) -> None:
        """Note that a frame was seen."""
        now = time.monotonic()
        if self._first_frame is None:
            self._first_frame, self._started_at_seconds = frame, now
        self._recent_seconds.append(now)
        summary = self.summary
        summary.num_frames += 1
        summary.num_frames_dropped = num_frames_dropped
        summary.elapsed_seconds = now - self._started_at_seconds
        summary.source_seconds = frame.captured_at_seconds - self._first_frame.captured_at_seconds

    def take_prediction(self, prediction: Prediction) -> None:
        """Log a prediction, and keep it for the overlay; its times count from the first frame."""
        assert self._first_frame is not None
        start_seconds = self._first_frame.captured_at_seconds
        prediction = replace(
            prediction,
            start_seconds=prediction.start_seconds - start_seconds,
            end_seconds=prediction.end_seconds - start_seconds,
        )
        self._newest = prediction
        self.summary.num_predictions += 1
        if self._keep_predictions:
            self.summary.predictions.append(prediction)
        if self._log is not None:
            self._log.write(prediction)
        label = shown_label(prediction, self._spec)
        if self._on_label is not None and label != self._label:
            self._on_label(prediction.end_seconds, label, prediction.score)
        self._label = label

    def take_frame(self, frame: Frame, recognizer: Recognizer) -> None:
        """Draw a frame, where there is a window or a video to draw for."""
        if self._screen is None and self._writer is None:
            return
        status = Status(
            frames_per_second=self._frames_per_second(),
            latency_seconds=self._newest.latency_seconds if self._newest else None,
            device=self._device,
            state=recognizer.state,
        )
        image = draw_overlay(frame.image, self._newest, self._spec, status, top_k=self._top_k)
        if self._writer is not None:
            self._writer.write(image, frame.captured_at_seconds)
        if self._screen is not None:
            self._screen.show(image)

    def wants_to_quit(self) -> bool:
        """Whether the person at the window wants to end."""
        return self._screen is not None and self._screen.wants_to_quit()

    def close(self) -> None:
        """Finish the video and the log."""
        if self._writer is not None:
            self._writer.close()
        if self._log is not None:
            self._log.close()

    def _frames_per_second(self) -> float:
        if len(self._recent_seconds) < 2:
            return 0.0
        span_seconds = self._recent_seconds[-1] - self._recent_seconds[0]
        return (len(self._recent_seconds) - 1) / max(span_seconds, 1e-9)


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C and termination into a wish to stop, so that nothing is cut off in the middle."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt  # asked twice: do not wait for anything
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, on_signal) for number in _STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
