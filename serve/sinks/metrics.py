"""Figures for Prometheus, read from the house whenever somebody asks, and at no other time.

Of each camera (label `camera`, its id), counted since its start:

    rtaction_frames_total, rtaction_predictions_total, rtaction_reconnects_total
    rtaction_frames_dropped_total    frames and windows that were not used, by `reason`
    rtaction_events_total            events that have started, by `label`
    rtaction_latency_seconds         histogram: from capture to label
    rtaction_frame_age_seconds       histogram: age of the newest frame when computing began
    rtaction_picture_age_seconds     age of the newest picture
    rtaction_camera_enabled          1 or 0, as a person set it
    rtaction_camera_up               1 while it gives pictures, 0 while it does not; nothing while
                                     it is disabled or rests
    rtaction_camera_ok               1 while labels are given, likewise
    rtaction_camera_info             1; `name` and `model`

Of each sink (label `sink`): rtaction_sink_up (nothing before the first attempt),
rtaction_sink_sent_total, rtaction_sink_missed_total and rtaction_sink_waiting. Of the whole:
rtaction_ready, rtaction_viewers, rtaction_clips_bytes, rtaction_build_info (`version`, `python`,
`providers`), and process_* of memory, processor time and open files. Of a fleet: rtaction_nodes,
rtaction_workers, rtaction_moves and rtaction_left_out.
"""

from __future__ import annotations

import math
import platform
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import rtaction
from rtaction.errors import UsageError, extra_missing
from rtaction.realtime.watching.stats import Histogram
from rtaction.serve.house.house import House, SinkView
from rtaction.serve.house.record import EventRecord, Phase
from rtaction.serve.house.views import CameraView

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_NO_PICTURES = ("connecting", "down", "refused", "ended")
_NOT_WATCHED = ("disabled", "resting")
_BOUNDS_SECONDS = (
    *(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 10.0, math.inf),
)


class Metrics:
    """A `Sink` that counts events, and tells Prometheus of these and of all else.

    Raises:
        MissingLibrary: prometheus_client is not installed.
    """

    def __init__(self) -> None:
        try:
            from prometheus_client import CollectorRegistry, ProcessCollector
        except ImportError as error:
            raise extra_missing("/metrics", "serve", error) from None
        self._house: House | None = None
        self._lock = threading.Lock()
        self._num_events: Counter[tuple[str, str]] = Counter()
        self._num_scrapes = 0
        # Its own: what other libraries count is none of ours.
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(self)

    def metrics_text(self, accept: str = "") -> tuple[bytes, str]:
        """All figures, as they are now; for any thread.

        Args:
            accept: the request's header of this name. Default: the text format of Prometheus.

        Returns:
            The text, and its content type.
        """
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(accept)
        text = encode(self._registry)
        with self._lock:
            self._num_scrapes += 1
        return text, content_type

    @contextmanager
    def served(self, port: int) -> Iterator[int]:
        """Serve the figures on this machine's own address, where there is no page that does.

        Args:
            port: 0 is any free one.

        Yields:
            The port.

        Raises:
            UsageError: the port is taken.
        """
        from prometheus_client import start_http_server

        try:
            server, thread = start_http_server(port, "127.0.0.1", registry=self._registry)
        except OSError as error:
            raise UsageError(
                f"cannot listen on port {port} of 127.0.0.1 for metrics: {error.strerror}; choose "
                "another, or 0 for any free one"
            ) from None
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def open(self, house: House) -> None:
        """Begin."""
        self._house = house

    def event(self, record: EventRecord, phase: Phase) -> None:
        """Count an event that has started."""
        if phase == "start":
            with self._lock:
                self._num_events[record.camera, record.label] += 1

    def camera(self, view: CameraView) -> None:
        """Cameras are looked at when somebody asks."""

    def camera_gone(self, camera: str) -> None:
        """Forget a camera's events."""
        with self._lock:
            for key in [key for key in self._num_events if key[0] == camera]:
                del self._num_events[key]

    def view(self) -> SinkView:
        """How it is: up once somebody has asked; what it sent are answers."""
        with self._lock:
            number = self._num_scrapes
        return SinkView(name="metrics", is_up=True if number else None, num_sent=number)

    def close(self, timeout_seconds: float) -> None:
        """Nothing is under way."""

    def describe(self) -> list[Metric]:
        """For the registry: names are known only when the house is asked."""
        return []

    def collect(self) -> Iterator[Metric]:
        """For the registry: all figures of the house."""
        if self._house is None:
            return
        views = list(self._house.cameras())
        machine = self._house.machine()
        yield from _of_the_whole(machine, is_ready=self._house.is_ready())
        yield from _of_cameras(views)
        yield from _durations(views)
        with self._lock:
            events = Counter(self._num_events)
        yield _of_events(views, events)
        yield from _of_sinks(machine.get("sinks", []))


def _of_the_whole(machine: Any, *, is_ready: bool) -> Iterator[Metric]:
    build = {
        "version": rtaction.__version__,
        "python": platform.python_version(),
        "providers": ",".join(map(str, machine.get("providers", []))),
    }
    yield _gauge("rtaction_build_info", "What runs.", tuple(build), [(tuple(build.values()), 1)])
    yield _gauge("rtaction_ready", "Whether all models are loaded.", (), [((), is_ready)])
    for key, meaning in (
        ("viewers", "Who looks at the page."),
        ("clips_bytes", "Size of all clips and snapshots."),
        ("nodes", "Machines of a fleet."),
        ("workers", "Engines of a fleet."),
        ("moves", "Cameras that went from one engine of a fleet to another, so far."),
        ("left_out", "Cameras for which a fleet has no room."),
    ):
        if machine.get(key) is not None:
            yield _gauge(f"rtaction_{key}", meaning, (), [((), machine[key])])


def _of_cameras(views: Sequence[CameraView]) -> Iterator[Metric]:
    of, watched = ("camera",), [view for view in views if view.state not in _NOT_WATCHED]
    yield _gauge(
        "rtaction_camera_info",
        "A camera.",
        ("camera", "name", "model"),
        [((view.id, view.name, view.model), 1) for view in views],
    )
    yield _gauge(
        "rtaction_camera_enabled",
        "Whether a person wants it watched.",
        of,
        [((view.id,), view.is_enabled) for view in views],
    )
    yield _gauge(
        "rtaction_camera_up",
        "Whether it gives pictures.",
        of,
        [((view.id,), view.state not in _NO_PICTURES) for view in watched],
    )
    yield _gauge(
        "rtaction_camera_ok",
        "Whether labels are given.",
        of,
        [((view.id,), view.state == "ok") for view in watched],
    )
    yield _gauge(
        "rtaction_picture_age_seconds",
        "Age of the newest picture.",
        of,
        [
            ((view.id,), view.picture_age_seconds)
            for view in watched
            if view.picture_age_seconds is not None
        ],
    )
    for name, meaning, attribute in (
        ("rtaction_frames", "Frames that came.", "num_frames"),
        ("rtaction_predictions", "Predictions.", "num_labels"),
        ("rtaction_reconnects", "Recoveries after a loss.", "num_reconnects"),
    ):
        yield _counter(name, meaning, of, [((one.id,), getattr(one, attribute)) for one in views])
    yield _counter(
        "rtaction_frames_dropped",
        "Frames and windows that were not used.",
        ("camera", "reason"),
        [((view.id, reason), count) for view in views for reason, count in view.drops.items()],
    )


def _of_events(views: Sequence[CameraView], events: Counter[tuple[str, str]]) -> Metric:
    """Labels without an event are there with 0, so that an increase to 1 is one."""
    keys = {(view.id, label): 0 for view in views for label in view.labels} | events
    return _counter(
        "rtaction_events", "Events that have started.", ("camera", "label"), list(keys.items())
    )


def _durations(views: Sequence[CameraView]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import HistogramMetricFamily

    for name, meaning, attribute in (
        ("rtaction_latency_seconds", "From capture to label.", "latency"),
        ("rtaction_frame_age_seconds", "Age of the newest frame as computing begins.", "frame_age"),
    ):
        family = HistogramMetricFamily(name, meaning, labels=("camera",))
        for view in views:
            histogram: Histogram | None = getattr(view, attribute)
            if histogram is not None:
                counts = histogram.counts_up_to(_BOUNDS_SECONDS)
                bounds = ["+Inf" if math.isinf(one) else str(one) for one in _BOUNDS_SECONDS]
                buckets = list(zip(bounds, map(float, counts), strict=True))
                family.add_metric((view.id,), buckets, histogram.sum_seconds)
        yield family


def _of_sinks(sinks: Sequence[Any]) -> Iterator[Metric]:
    """Of `SinkView.to_dict` of each."""
    by_name = {str(one["name"]): one for one in sinks}
    of = ("sink",)
    yield _gauge(
        "rtaction_sink_up",
        "Whether the last attempt worked.",
        of,
        [((name,), one["up"]) for name, one in by_name.items() if one["up"] is not None],
    )
    yield _gauge(
        "rtaction_sink_waiting",
        "What is kept to be sent later.",
        of,
        [((name,), one["waiting"]) for name, one in by_name.items()],
    )
    for key, meaning in (("sent", "What it took."), ("missed", "What it will never get.")):
        samples = [((name,), one[key]) for name, one in by_name.items()]
        yield _counter(f"rtaction_sink_{key}", meaning, of, samples)


_Samples = Sequence[tuple[tuple[str, ...], float]]


def _gauge(name: str, meaning: str, labels: Sequence[str], samples: _Samples) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    family = GaugeMetricFamily(name, meaning, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family


def _counter(name: str, meaning: str, labels: Sequence[str], samples: _Samples) -> Metric:
    """A counter; "_total" is added to its name."""
    from prometheus_client.metrics_core import CounterMetricFamily

    family = CounterMetricFamily(name, meaning, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family
