"""The events of all sources of a run, and who is told of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.actions.label_detectors import Detector, detector_of
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.watching.camera_rules import SourceRules
from rtaction.realtime.watching.moment import Moment, StateChange
from rtaction.realtime.windows.engine import Scorer

EventCallback = Callable[[ActionEvent], Any]
StateCallback = Callable[[StateChange], Any]


class Actions:
    """The events of all sources; of each person apart, by a model of people.

    Args:
        model: labels, thresholds and clip length.
        rules: when scores make an event. Default: `ActionRules.for_model` of the model.
        stride_seconds: see `ActionDetector`.
        by_source: what makes events of sources, in place of `rules`. Default none.
    """

    def __init__(
        self,
        model: Scorer,
        rules: ActionRules | None,
        stride_seconds: float | None = None,
        *,
        by_source: Mapping[str, SourceRules] | None = None,
    ) -> None:
        self._spec = model.spec
        self._rules = SourceRules(rules or ActionRules.for_model(model.spec))
        self._by_source = dict(by_source or {})
        self._stride_seconds = stride_seconds
        self._detectors: dict[str, dict[int | None, Detector]] = {}
        self._numbers: dict[str, Iterator[int]] = {}

    @property
    def longest_delay_seconds(self) -> float:
        """Longest time from the start of an event to its report, without computing."""
        return self._spec.window_seconds + max(
            rule.min_seconds + one.rules.smoothing_seconds
            for one in (self._rules, *self._by_source.values())
            for rule in (one.rules.default, *one.rules.by_label.values())
        )

    def rules_of(self, source: str) -> SourceRules:
        """What makes an event of a source."""
        return self._by_source.get(source, self._rules)

    def add_source(self, source: str, rules: SourceRules) -> None:
        """Say what makes events of a source, in place of what was said before."""
        self._by_source[source] = rules

    def set_rules(self, source: str, rules: ActionRules) -> None:
        """Let others decide when scores of a source make an event, from its next window on.

        An event that goes on is held to them as well: with a score below its new `exit`, it ends.
        It may be called from any thread.
        """
        self._by_source[source] = replace(self.rules_of(source), rules=rules)

    def of(self, source: str, person: int | None = None) -> Detector:
        """The detector of one source, or of one person in it."""
        detectors = self._detectors.setdefault(source, {})
        if person not in detectors:
            detectors[person] = detector_of(
                self.rules_of(source).rules,
                self._spec,
                stride_seconds=self._stride_seconds,
                numbers=self._numbers.setdefault(source, itertools.count(1)),
            )
        return detectors[person]

    def see(self, moment: Moment) -> list[ActionEvent]:
        """The events that started or ended with this moment."""
        events = []
        for prediction in moment.predictions:
            rules = self.rules_of(prediction.source)
            detector = self.of(prediction.source, prediction.person)
            detector.rules = rules.rules
            events += detector.see(prediction, rules.counting(prediction.zones))
        for one in moment.left:
            gone = self._detectors.get(one.source, {}).pop(one.person, None)
            if gone is not None:
                events += gone.leave()
        for change in moment.changes:
            if change.state == "ended":  # who was in it is forgotten; a source may come again
                for detector in self._detectors.pop(change.source, {}).values():
                    events += detector.finish()
            # A window or two with too few frames is not the end, nor is the turn of another camera;
            # the detector handles longer gaps.
            elif change.state not in ("ok", "warming_up", "degraded", "overloaded"):
                for detector in self._detectors.get(change.source, {}).values():
                    events += detector.interrupt()
        return events

    def finish(self) -> list[ActionEvent]:
        """At the end of the run: the events that were still ongoing."""

        return [
            event
            for detectors in self._detectors.values()
            for detector in detectors.values()
            for event in detector.finish()
        ]


class Teller:
    """Tells callbacks the events and states of a run.

    Args:
        actions: finds the events.
        on_event: called with each event. Default None.
        on_state: called with each state change. Default None.
    """

    def __init__(
        self,
        actions: Actions,
        on_event: EventCallback | None = None,
        on_state: StateCallback | None = None,
    ) -> None:
        self._actions = actions
        self._on_event = on_event
        self._on_state = on_state

    def tell(self, moment: Moment) -> None:
        """Tell what is new."""
        self._tell_events(self._actions.see(moment))
        for change in moment.changes:
            if self._on_state is not None:
                self._on_state(change)

    def finish(self) -> None:
        """Tell the ends of the events that were still ongoing."""
        self._tell_events(self._actions.finish())

    def _tell_events(self, events: Iterable[ActionEvent]) -> None:
        for event in events:
            if self._on_event is not None:
                self._on_event(event)
