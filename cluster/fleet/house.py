"""The fleet as its sinks see it: a `House` that knows all cameras and watches none.

Pictures and clips stay on the machines that watch, so that it has none.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from rtaction.cluster.fleet.plan import FleetPlan, Planned
from rtaction.errors import NoSuchThing, UsageError
from rtaction.serve.house.house import Image, Picture, Query, Sink, Subscription
from rtaction.serve.house.record import EventRecord, Phase
from rtaction.serve.house.views import CameraState, CameraView
from rtaction.serve.store.index import EventIndex
from rtaction.serve.watching.clerk import Clerk
from rtaction.serve.watching.journal import Journal
from rtaction.serve.watching.machine import Machine
from rtaction.serve.watching.newsroom import Newsroom
from rtaction.serve.watching.sinks import close_sinks, tell_sinks

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Shown:
    """A camera as it is told of.

    Args:
        view: how it is.
        term: of the worker that said so.
        before: what was counted in earlier terms.
    """

    view: CameraView
    term: int = 0
    before: Counter[str] = field(default_factory=Counter)
    drops_before: Counter[str] = field(default_factory=Counter)


class FleetHouse:
    """What the sinks may ask, and are told.

    Args:
        plan: the cameras.
        sinks: who is told.
        index: keeps events, and which cameras a person has switched off.
        figures: more for `machine`.
    """

    def __init__(
        self,
        plan: FleetPlan,
        sinks: Sequence[Sink],
        index: EventIndex,
        figures: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._sinks, self._index, self._figures = sinks, index, figures
        self._lock = threading.Lock()
        self._off = {id for id, one in plan.cameras.items() if not self._was_enabled(id, one)}
        self._shown = {id: _Shown(_first_view(one)) for id, one in plan.cameras.items()}
        self._num_events: Counter[str] = Counter()
        self._journal, self._news = Journal(), Newsroom()
        self._machine, self._clerk = Machine(), Clerk()
        self._is_open = False

    def open(self) -> None:
        """Begin."""
        for sink in self._sinks:
            sink.open(self)
        self._clerk.start()
        for view in self.cameras():
            self._tell_view(view)
        self._is_open = True

    def close(self, timeout_seconds: float) -> None:
        """End, and tell what is to be told, in about this time."""
        self._is_open = False
        self._clerk.close(timeout_seconds / 2)
        close_sinks(self._sinks, timeout_seconds / 2)
        self._index.close()

    def keep(self, record: EventRecord, phase: Phase) -> None:
        """Keep an event that has started or ended, and tell of it; it does not wait."""
        if phase == "start":
            with self._lock:
                self._num_events[record.camera] += 1
        self._clerk.ask(lambda: self._keep(record, phase))

    def show(self, camera: str, state: CameraState, reason: str) -> None:
        """A camera that no worker watches."""
        with self._lock:
            shown = self._shown[camera]
            if (shown.view.state, shown.view.reason) == (state, reason):
                return
            is_enabled = camera not in self._off
            view = replace(shown.view, state=state, reason=reason, is_enabled=is_enabled)
            shown.view = replace(
                view, since=datetime.now(UTC), scores=(), active=(), people=(), labels_per_second=0
            )
        self._tell_view(shown.view)

    def see(self, camera: str, term: int, view: CameraView) -> None:
        """A camera as its worker says."""
        with self._lock:
            shown = self._shown[camera]
            before = shown.view.state, shown.view.reason
            if term != shown.term:  # a worker counts from 0
                last = shown.view
                shown.term = term
                shown.drops_before = Counter(last.drops)
                shown.before = Counter(
                    frames=last.num_frames, labels=last.num_labels, reconnects=last.num_reconnects
                )
            shown.view = replace(
                view,
                num_events=self._num_events[camera],
                num_frames=view.num_frames + shown.before["frames"],
                num_labels=view.num_labels + shown.before["labels"],
                num_reconnects=view.num_reconnects + shown.before["reconnects"],
                drops=dict(shown.drops_before + Counter(view.drops)),
            )
        if (view.state, view.reason) != before:
            self._tell_view(shown.view)

    def is_enabled(self, camera: str) -> bool:
        """Whether a person wants a camera to be watched."""
        return camera not in self._off

    def cameras(self) -> Sequence[CameraView]:
        """See `House`."""
        with self._lock:
            return [shown.view for shown in self._shown.values()]

    def camera(self, camera: str) -> CameraView:
        """See `House`."""
        with self._lock:
            if camera not in self._shown:
                raise NoSuchThing(f"there is no camera {camera!r}")
            return self._shown[camera].view

    def enable(self, camera: str, *, is_enabled: bool) -> None:
        """See `House`."""
        self.camera(camera)
        self._index.set_setting(f"enabled {camera}", is_enabled)
        if is_enabled:
            self._off.discard(camera)
        else:
            self._off.add(camera)

    def set_threshold(self, camera: str, label: str | None, threshold: float | None) -> None:
        """A fleet's thresholds stand in its file."""
        raise UsageError("the thresholds of a fleet stand in its file; change them there")

    def reload(self) -> str:
        """A fleet reads its file when it starts."""
        raise UsageError("a fleet reads its file when it starts; start it again")

    def picture(self, camera: str, *, width: int | None, is_drawn: bool) -> Picture | None:
        """Pictures stay on the machines that watch."""
        self.camera(camera)
        return None

    def image(self, camera: str, *, width: int | None, is_drawn: bool) -> Image | None:
        """Pictures stay on the machines that watch."""
        self.camera(camera)
        return None

    def events(self, query: Query) -> Sequence[EventRecord]:
        """See `House`."""
        return self._index.find(query)

    def event(self, event: str) -> EventRecord:
        """See `House`."""
        return self._index.get(event)

    def events_csv(self, day: date) -> Iterator[str]:
        """See `House`."""
        return self._index.csv(day)

    def judge(self, event: str, verdict: str | None) -> EventRecord:
        """See `House`."""
        return self._index.judge(event, verdict)

    def file(self, event: str, what: Literal["clip", "snapshot"]) -> Path:
        """A fleet keeps no clips."""
        raise NoSuchThing(f"a fleet keeps no {what}s")

    def machine(self) -> Mapping[str, Any]:
        """See `House`; of this process, and `workers`, `nodes`, `moves` and `left_out`."""
        self._machine.sample()
        sinks = [sink.view() for sink in self._sinks]
        figures = self._machine.to_dict(
            self.cameras(), [], [], sinks, clips_bytes=0, num_viewers=self._news.num_readers
        )
        return figures | dict(self._figures())

    def is_ready(self) -> bool:
        """See `House`."""
        return self._is_open

    def subscribe(self) -> Subscription:
        """See `House`."""
        return self._news.subscribe()

    def _was_enabled(self, camera: str, planned: Planned) -> bool:
        was_enabled = self._index.get_setting(f"enabled {camera}")
        return planned.setup.camera.is_enabled if was_enabled is None else bool(was_enabled)

    def _keep(self, record: EventRecord, phase: Phase) -> None:
        if phase == "start":
            self._index.add(record)
        else:
            record = self._index.update(record)
        tell_sinks(self._sinks, lambda sink: sink.event(record, phase))
        self._news.tell("event", record.to_dict() | {"phase": phase})

    def _tell_view(self, view: CameraView) -> None:
        self._journal.see(view)
        tell_sinks(self._sinks, lambda sink: sink.camera(view))
        self._news.tell("camera", view.to_dict())


def _first_view(planned: Planned) -> CameraView:
    setup, spec, rules = planned.setup, planned.model.spec, planned.rules.rules
    labels = tuple(label for label in spec.labels if label != spec.background_label)
    return CameraView(
        id=setup.id,
        name=setup.camera.name,
        is_enabled=setup.camera.is_enabled,
        state="connecting",
        reason="no machine is ready yet",
        since=datetime.now(UTC),
        zones={zone.name: zone.region.corners_xy for zone in setup.camera.zones},
        masks=tuple(mask.corners_xy for mask in setup.camera.view.masks),
        model=setup.model.name,
        labels=labels,
        thresholds={label: rules.of(label).enter for label in labels},
    )
