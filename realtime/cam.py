"""`rtaction cam`: watch, show, save and log sources until they end or somebody stops the run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from rtaction.errors import (
    DeviceUnavailable,
    MissingLibrary,
    ModelError,
    ReaderLeft,
    SourceError,
)
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.rules import ActionRules, layered
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.cam_sources import cam_sources, rules_by_source
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.outputs.screen import Screen, open_screen
from rtaction.realtime.outputs.sinks import Callbacks, Sinks, Watched, open_sinks
from rtaction.realtime.signals import signals
from rtaction.realtime.sources.opening import is_file
from rtaction.realtime.watching.actions import Actions, EventCallback, StateCallback
from rtaction.realtime.watching.moment import Moments
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.people import count_options, regions_of
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.watching.watch import watch_cameras
from rtaction.realtime.windows.who_counts import CountOptions

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class CamSummary:
    """The outcome of a run.

    Args:
        stats: statistics of the run.
        predictions: all predictions, timed from the first frame, if the only source was a file;
            otherwise empty, because a live source may run for months.
        stopped_by_person: whether a key, Ctrl-C or a signal ended the run.
    """

    stats: WatchStats
    predictions: list[Prediction] = field(default_factory=list)
    stopped_by_person: bool = False

    def keep(self, predictions: Sequence[Prediction]) -> None:
        """Add predictions, with times counted from the first frame of their source."""
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
    """Watch sources until all have ended, or a key, Ctrl-C or a termination signal stops the run.

    SIGUSR1 (where the platform has it) or the key "s" logs the statistics so far; the key "w" keeps
    what is shown as wrong, if `config.save_uncertain` says where.

    Args:
        model: a loaded model.
        config: the options.
        on_event: called with each event, timed from the first frame of its source.
        on_state: called with each state change of a live source.
        summary: updated during the run, so that a caller has it even after an error. Default: a
            new one.
        screen: a window that is already open and is left open. Default: as `config.show` says.

    Raises:
        RtactionError: see `rtaction.errors`. What was saved and logged so far is kept.
    """
    model_path = Path(model.file.where)
    sources = cam_sources(config, model_path)
    cameras = sources.cameras
    spec = with_threshold(model.spec, config.threshold)
    rules = ActionRules.for_model(spec, overrides=layered(sources.actions, config.rules))
    by_source = rules_by_source(sources, spec, config)
    count = _who_counts(config, spec)
    summary = summary or CamSummary(WatchStats())
    stats = summary.stats
    stop, report = threading.Event(), threading.Event()
    with ExitStack() as stack:
        screen = screen or _opened_screen(config, stack)
        live = {camera.name: not is_file(camera) for camera in cameras}
        watched = Watched(
            live,
            stats,
            Actions(model, rules, config.stride_seconds, by_source=by_source),
            regions_of(cameras, count),
            {camera.name: camera.zones for camera in cameras},
            model_name=model_path.name,
        )
        sinks = stack.enter_context(
            open_sinks(
                config,
                watched,
                spec,
                device=model.device_in_use,
                screen=screen,
                callbacks=Callbacks(on_event, on_state),
                is_stopping=stop.is_set,
            )
        )
        stack.enter_context(signals(stop, {"SIGUSR1": report}))
        stats.restart_clock()
        options = _watch_options(config, count, sinks, is_paced=screen is not None)
        moments = watch_cameras(model, cameras, stats, options)
        keeps = len(cameras) == 1 and is_file(cameras[0])
        with _reader_may_leave(lambda: stop.is_set() or not any(live.values())):
            _follow(moments, sinks, screen, summary, stop, report, keeps_predictions=keeps)
    return summary


def _who_counts(config: CamConfig, spec: ModelSpec) -> CountOptions:
    return count_options(
        spec,
        max_persons=config.max_persons,
        person=config.person,
        region=config.region,
        name_of=lambda name: f"--{name.replace('_', '-')}",
    )


def _opened_screen(config: CamConfig, stack: ExitStack) -> Screen | None:
    """The window that the options ask for, closed with the stack."""
    screen = open_screen(config.show)
    if screen is not None:
        stack.enter_context(screen)
    elif config.show_pose and config.save is None:
        _log.warning("--show-pose draws nothing: there is neither a window nor --save to draw into")
    return screen


def _watch_options(
    config: CamConfig, count: CountOptions, sinks: Sinks, *, is_paced: bool
) -> WatchOptions:
    return WatchOptions(
        paced=is_paced,
        keep_frames=sinks.draws,
        stride_seconds=config.stride_seconds,
        windows=config.windows,
        reconnect=config.reconnect,
        wait_for_sources=config.cameras_file is not None,
        on_frame=sinks.on_frame,
        count=count,
    )


@contextmanager
def _reader_may_leave(is_over: Callable[[], bool]) -> Iterator[None]:
    """Let the reader of stdout end the run, which is an error while cameras must be watched on.

    Files are like any text that `head` has seen enough of.
    """
    try:
        yield
    except BrokenPipeError:
        if not is_over():
            raise ReaderLeft(
                "the program that reads --output - has ended, and the cameras are no longer "
                "watched; start both again"
            ) from None


def with_threshold(spec: ModelSpec, threshold: float | None) -> ModelSpec:
    """The contract with one threshold for all labels; None leaves it unchanged."""
    if threshold is None:
        return spec
    return replace(spec, threshold=threshold, label_thresholds={})


def _follow(
    moments: Moments,
    sinks: Sinks,
    screen: Screen | None,
    summary: CamSummary,
    stop: threading.Event,
    report: threading.Event,
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
                if report.is_set() or key == "s":
                    report.clear()
                    sinks.summarise()
                    _log.warning("so far:\n%s", summary.stats.to_text())
                if key == "w":
                    sinks.keep_wrong()
                if stop.is_set() or (screen is not None and screen.wants_to_quit(key)):
                    summary.stopped_by_person = True
                    break
        except (SourceError, ModelError, DeviceUnavailable, MissingLibrary):
            with suppress(BrokenPipeError):
                sinks.finish()
            raise
    with suppress(BrokenPipeError):
        sinks.finish()
