"""From sources to predictions: the loop behind `rtaction cam` and `rtaction.watch`.

If all sources are files, they are read one after the other, every frame, as fast as the model can.
Live sources are watched all at once; see `LiveWatch`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from rtaction.errors import SourceError
from rtaction.prediction import Prediction
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.cameras.camera import Camera, cameras_of
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.sources.opening import is_file, open_source
from rtaction.realtime.watching.actions import Actions, EventCallback, StateCallback, Teller
from rtaction.realtime.watching.follower import Follower
from rtaction.realtime.watching.given import Image, Place, TimedImage, places_or_frames
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.moment import Moments
from rtaction.realtime.watching.options import DEFAULT_OPTIONS, WatchOptions
from rtaction.realtime.watching.people import count_options, options_of
from rtaction.realtime.watching.recognizer import Recognizer, load_model, take_back
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.windows.engine import Scorer
from rtaction.realtime.windows.who_counts import Persons

_log = logging.getLogger(__name__)


def watch_cameras(
    model: Scorer,
    cameras: Sequence[Camera],
    stats: WatchStats,
    options: WatchOptions = DEFAULT_OPTIONS,
) -> Moments:
    """Watch until all sources have ended.

    Args:
        model: the model.
        cameras: the sources, at least one.
        stats: updated during the run.
        options: how to watch. Default `WatchOptions()`.

    Raises:
        SourceError: see `LiveWatch.moments`; for several files, only if none can be read.
    """
    if not all(is_file(camera) for camera in cameras):
        yield from LiveWatch(model, cameras, stats, options).moments()
        return
    num_read = 0
    for camera in cameras:
        try:
            if options.paced:
                yield from LiveWatch(model, [camera], stats, options).moments()
            else:
                yield from _follow_file(model, camera, stats, options)
        except SourceError as error:
            if len(cameras) == 1 or (camera is cameras[-1] and num_read == 0):
                raise
            _log.warning("left out: %s", error)
        else:
            num_read += 1


def _follow_file(
    model: Scorer, camera: Camera, stats: WatchStats, options: WatchOptions
) -> Moments:
    source = open_source(camera, paced=False)
    follower = Follower(model, camera.name, options_of(camera, options), is_file=True)
    figures = stats.of(camera.name)
    figures.frames_per_second = source.frames_per_second
    for frame in source.frames():
        figures.count_frame(frame.captured_at_seconds)
        if options.on_frame is not None:
            options.on_frame(frame)
        moment = follower.see(frame)
        stats.count(moment.predictions)
        yield moment
    moment = follower.end()
    figures.drops = follower.drops + source.drops
    figures.ended_seconds = time.monotonic()
    stats.count(moment.predictions)
    if options.tell_slow and (why := follower.why_nothing) is not None:
        _log.warning("%s: %s", camera.name, why)
    yield moment


class Watch(Iterator[Prediction]):
    """The predictions of what is watched, one by one; `rtaction.watch` gives it.

    Iterate over it or, if callbacks are all that is wanted, call `run`. Either can be ended by
    `stop`. A loop that is left early should close it, as a `with` block does.

    Args:
        predictions: begins to watch, until it is told to stop.
    """

    def __init__(
        self, predictions: Callable[[threading.Event], Generator[Prediction, None, None]]
    ) -> None:
        self._is_stopped = threading.Event()
        self._predictions = predictions(self._is_stopped)

    def __next__(self) -> Prediction:
        return next(self._predictions)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self) -> None:
        """Watch until all sources have ended or `stop` is called; only callbacks are told.

        Raises:
            RtactionError: see `rtaction.errors`.
        """
        deque(self, maxlen=0)

    def stop(self) -> None:
        """End after the windows at hand; ends of events are still told.

        A callback, a signal handler or another thread may call it.
        """
        self._is_stopped.set()

    def close(self) -> None:
        """End at once, and let go of cameras; nobody is told. Not from a callback."""
        self._predictions.close()


def watch(
    source: Place | Mapping[str, Place] | Iterable[Place | Image | TimedImage] = 0,
    model: str | Path | ActionModel | None = None,
    *,
    device: str = "auto",
    frames_per_second: float | None = None,
    stride_seconds: float | None = None,
    reconnect: bool = True,
    max_persons: int | None = None,
    person: Persons | None = None,
    region: Sequence[float] | None = None,
    rules: ActionRules | None = None,
    on_event: EventCallback | None = None,
    on_state: StateCallback | None = None,
) -> Watch:
    """Recognise actions in videos, webcams, streams and arrays.

    Nothing is opened before the first prediction is asked for, or `Watch.run` is called.

    Args:
        source: a webcam's number, a video file, a folder of them, an rtsp:// or http:// address;
            several of these, in a list or, with names, a dict, such as {"door": 0}; or frames: an
            iterable of numpy arrays (uint8 RGB, shape (height, width, 3); OpenCV gives BGR), or of
            pairs `(time_seconds, frame)`. Frames without times and without `frames_per_second` are
            taken as live: the time of each is the moment at which the iterable gives it. Default
            0, the first webcam.
        model: an ONNX file made by `rtaction export`, or a loaded model. Default: the bundled one.
        device: see `rtaction cam --device`. Default "auto".
        frames_per_second: of frames without times, above 0. Default None.
        stride_seconds: time from one window to the next. Default: the frame interval of a clip.
        reconnect: reopen lost cameras, without limit. Default True.
        max_persons: people to recognise at once, for a model of people. Default None: 6.
        person: "all", or only the "largest", for a model of people. Default None: all.
        region: where people count, for a model of people: left, top, right and bottom as shares of
            the picture, or x and y of each corner. Default None: everywhere.
        rules: when scores make an event. Default: `ActionRules.for_model` of the model.
        on_event: called when an event has started, and again, with its end, when it has ended.
        on_state: called when a source changes its state.

    Returns:
        An iterator that gives a prediction per window, by a model of people one for each person.
        Its `source` is the name of the source, "frames" for arrays. Its `frame` is the window's
        last frame; `frame.image` is kept until the next prediction is asked for. A file's times
        count from its first frame, a camera's are on the monotonic clock (`time.monotonic`).

    Raises:
        RtactionError: see `rtaction.errors`.

    Example:
        >>> for prediction in rtaction.watch(0, "model.onnx", on_event=print):
        ...     print(prediction.label, prediction.score)
        ...     show(prediction.frame.image)

        >>> rtaction.watch({"door": "rtsp://door/1", "yard": 0}, on_event=print).run()
    """

    def predictions(is_stopped: threading.Event) -> Generator[Prediction, None, None]:
        given = places_or_frames(source, has_rate=frames_per_second is not None)
        if isinstance(given, list | dict):
            loaded = load_model(model, device)
            options = WatchOptions(
                stride_seconds=stride_seconds,
                keep_frames=False,
                frames_beside=True,
                reconnect=reconnect,
                count=count_options(
                    loaded.spec, max_persons=max_persons, person=person, region=region
                ),
            )
            teller = Teller(Actions(loaded, rules, stride_seconds), on_event, on_state)
            cameras = cameras_of(given)
            yield from _of_cameras(loaded, cameras, options, teller, is_stopped)
            return
        recognizer = Recognizer(
            model,
            device=device,
            frames_per_second=frames_per_second,
            stride_seconds=stride_seconds,
            max_persons=max_persons,
            person=person,
            region=region,
            rules=rules,
            on_event=on_event,
            on_state=on_state,
        )
        yield from _of_frames(recognizer, given, is_stopped)

    return Watch(predictions)


def _of_cameras(
    model: ActionModel,
    cameras: Sequence[Camera],
    options: WatchOptions,
    teller: Teller,
    is_stopped: threading.Event,
) -> Iterator[Prediction]:
    with closing(watch_cameras(model, cameras, WatchStats(), options)) as moments:
        for moment in moments:
            teller.tell(moment)
            yield from _lent(moment.predictions)
            if is_stopped.is_set():
                break
    teller.finish()


def _of_frames(
    recognizer: Recognizer,
    frames: Iterable[tuple[Image, float | None]],
    is_stopped: threading.Event,
) -> Iterator[Prediction]:
    for image, at_seconds in frames:
        yield from _lent(recognizer.push(image, at_seconds))
        if is_stopped.is_set():
            break
    yield from _lent(recognizer.finish())


def _lent(predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """The same, each with its frame until the next is asked for."""
    for prediction in predictions:
        yield prediction
        take_back(prediction)
