"""`rtaction cam`: sources, watched, drawn, saved and logged until they end or a person ends it."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from rtaction.errors import MissingLibrary, SourceError, UsageError
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.outputs.screen import Screen, open_screen
from rtaction.realtime.outputs.sinks import Callbacks, Sinks, Watched, open_sinks
from rtaction.realtime.sources.cameras import Camera, cameras_of, load_cameras
from rtaction.realtime.sources.opening import is_file
from rtaction.realtime.watching.moment import Moments
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.watching.watch import Actions, EventCallback, StateCallback, watch_cameras

_log = logging.getLogger(__name__)
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class CamSummary:
    """What a run came to.

    Args:
        stats: figures of the run.
        predictions: all of them, times counted from the source's first frame, where there was one
            source and it was a file; a live source, which may run for months, keeps none.
        stopped_by_person: whether a key, Ctrl-C or a signal ended it.
    """

    stats: WatchStats
    predictions: list[Prediction] = field(default_factory=list)
    stopped_by_person: bool = False

    def keep(self, predictions: Sequence[Prediction]) -> None:
        """Add predictions, their times now counted from their source's first frame."""
        for one in predictions:
            first_seconds = self.stats.of(one.source).first_seconds or 0.0
            start_seconds = one.start_seconds - first_seconds
            end_seconds = one.end_seconds - first_seconds
            self.predictions.append(
                replace(one, start_seconds=start_seconds, end_seconds=end_seconds)
            )


def run_cam(
    model: ActionModel,
    config: CamConfig,
    *,
    on_event: EventCallback | None = None,
    on_state: StateCallback | None = None,
    summary: CamSummary | None = None,
    screen: Screen | None = None,
) -> CamSummary:
    """Watch sources until all have ended, or a key, Ctrl-C or a termination signal ends it.

    On demand (SIGUSR1, where there is such a signal, or the key "s") the figures so far are logged.

    Args:
        model: a loaded model.
        config: what to do.
        on_event: told of actions, their times counted from their source's first frame.
        on_state: told of states of live sources.
        summary: kept up to date, for who wants it even after an error. Default: a new one.
        screen: a window that is open already, and stays so. Default: as `config.show` says.

    Raises:
        RtactionError: see `rtaction.errors`. Whatever was saved and logged until then is kept.
    """
    cameras, rule_overrides = _cameras_and_rules(config)
    _check_overwriting(config, cameras, Path(model.file.where))
    spec = with_threshold(model.spec, config.threshold)
    rules = ActionRules.for_model(spec, overrides=rule_overrides)
    summary = summary or CamSummary(WatchStats())
    stats = summary.stats
    with ExitStack() as stack:
        if screen is None and (screen := open_screen(config.show)) is not None:
            stack.enter_context(screen)
        live = {camera.name: not is_file(camera) for camera in cameras}
        watched = Watched(live, stats, Actions(model, rules, config.stride_seconds))
        sinks = stack.enter_context(
            open_sinks(
                config,
                watched,
                spec,
                device=model.device_in_use,
                screen=screen,
                callbacks=Callbacks(on_event, on_state),
            )
        )
        stop, tell = stack.enter_context(_signals())
        stats.restart_clock()
        options = WatchOptions(
            paced=screen is not None,
            keep_frames=sinks.draws,
            stride_seconds=config.stride_seconds,
            reconnect=config.reconnect,
            wait_for_sources=config.cameras_file is not None,
            on_frame=sinks.on_frame,
        )
        moments = watch_cameras(model, cameras, stats, options)
        keeps = len(cameras) == 1 and is_file(cameras[0])
        _follow(moments, sinks, screen, summary, stop, tell, keeps_predictions=keeps)
    return summary


def with_threshold(spec: ModelSpec, threshold: float | None) -> ModelSpec:
    """The contract with one threshold for all labels; None leaves it as it is."""
    if threshold is None:
        return spec
    return replace(spec, threshold=threshold, label_thresholds={})


def _cameras_and_rules(config: CamConfig) -> tuple[list[Camera], dict[str, Any]]:
    texts, rules = list(config.sources), {}
    cameras = []
    if config.cameras_file is not None:
        loaded = load_cameras(config.cameras_file)
        cameras, rules = list(loaded.cameras), dict(loaded.actions)
    elif not texts:
        texts = ["0"]
    known = {camera.name for camera in cameras}
    for camera in cameras_of(texts):
        if camera.name in known:
            raise UsageError(f"the source {camera.name} is in {config.cameras_file} already")
        cameras.append(camera)
    if config.save and config.save.suffix.lower() == ".webm" and not all(map(is_file, cameras)):
        # OpenCV gives libvpx no other deadline than its slow one.
        _log.warning("VP8 takes some 70 ms a picture of 640x480; live, --save x.avi drops fewer")
    given = config.rules
    tables = rules.get("labels", {})
    if given and isinstance(tables, dict) and all(isinstance(t, dict) for t in tables.values()):
        # What is wrong with these tables is told by who reads them.
        kept = {
            label: {key: value for key, value in table.items() if key not in given}
            for label, table in tables.items()
        }
        rules = rules | {"labels": kept}
    return cameras, rules | given


def _check_overwriting(config: CamConfig, cameras: list[Camera], model: Path) -> None:
    taken = {model.resolve(): "the model"}
    if config.cameras_file is not None:
        taken[config.cameras_file.resolve()] = "the cameras file"
    taken |= {
        Path(str(camera.address.target)).resolve(): "the source"
        for camera in cameras
        if camera.address.kind == "file"
    }
    log = Path(config.output) if config.output not in (None, "-") else None
    for option, path in (("--save", config.save), ("--output", log)):
        if path is None:
            continue
        if path.resolve() in taken:
            name = taken[path.resolve()]
            raise UsageError(f"{option} {path} would overwrite {name}; choose another name")
        taken[path.resolve()] = f"what {option} writes"


def _follow(
    moments: Moments,
    sinks: Sinks,
    screen: Screen | None,
    summary: CamSummary,
    stop: threading.Event,
    tell: threading.Event,
    *,
    keeps_predictions: bool,
) -> None:
    with closing(moments):
        try:
            for moment in moments:
                sinks.take(moment)
                if keeps_predictions:
                    summary.keep(moment.predictions)
                key = screen.key() if screen is not None else ""
                if tell.is_set() or key == "s":
                    tell.clear()
                    sinks.summarise()
                    _log.warning("so far:\n%s", summary.stats.to_text())
                if stop.is_set() or (screen is not None and screen.wants_to_quit(key)):
                    summary.stopped_by_person = True
                    break
        except BrokenPipeError:
            return  # the program that read our stdout has gone, so nobody listens any more
        except (SourceError, MissingLibrary):
            with suppress(BrokenPipeError):
                sinks.finish()
            raise
    with suppress(BrokenPipeError):
        sinks.finish()


@contextmanager
def _signals() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Turn Ctrl-C and termination into a wish to stop, so that nothing is cut off in the middle,
    and SIGUSR1 into a wish for the figures."""
    stop, tell = threading.Event(), threading.Event()

    def on_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt  # asked twice: do not wait for anything
        stop.set()

    def on_tell(number: int, frame: FrameType | None) -> None:
        tell.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop, tell
        return
    handlers: dict[int, Any] = dict.fromkeys(_STOP_SIGNALS, on_stop)
    if hasattr(signal, "SIGUSR1"):
        handlers[signal.SIGUSR1] = on_tell
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop, tell
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
