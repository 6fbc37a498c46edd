"""The sink that tells an MQTT broker; its topics are listed in `rtaction.serve.sinks.mqtt`."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from rtaction.errors import RtactionError
from rtaction.printable import printable
from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.house.house import House, SinkView
from rtaction.serve.house.record import EventRecord, Phase
from rtaction.serve.house.views import CameraView
from rtaction.serve.sinks.mqtt.broker import (
    CONNECT_BACK_OFF,
    LOST,
    TAKEN,
    Broker,
    Listener,
    Subscription,
)
from rtaction.serve.sinks.mqtt.camera_topics import CameraTopics
from rtaction.serve.sinks.mqtt.home_assistant import birth_topic
from rtaction.serve.sinks.mqtt.mirror import Mirror
from rtaction.serve.sinks.mqtt.settings import MqttSettings, account_of
from rtaction.serve.sinks.mqtt.topics import SNAPSHOT, STATE, Topics
from rtaction.serve.sinks.snapshots import snapshot_of
from rtaction.serve.sinks.worker import Counts, Worker

_MAX_WAITING = 10_000
_MAX_KEPT = 10_000
_log = logging.getLogger(__name__)


class Mqtt:
    """A `Sink` that tells an MQTT broker.

    Its own thread alone knows what there is to tell; the broker's thread and callers only put
    something into its queue.

    Args:
        settings: see `MqttSettings`.
        where: names the file and the table in errors.
        back_off: waits between connections. Default: see `Broker`.

    Raises:
        UsageError: an environment variable is not set, or the file of certificates is unusable.
        MissingLibrary: paho-mqtt is not installed.
    """

    def __init__(
        self, settings: MqttSettings, where: str, *, back_off: BackOff | None = None
    ) -> None:
        self._settings = settings
        self._topics = Topics(settings.prefix)
        account = account_of(settings, where)
        secrets = [one for one in (account.username, account.password) if one]
        self._counts = Counts("mqtt", secrets)
        self._house: House | None = None
        self._mirror = Mirror()
        discovery_prefix = settings.discovery_prefix
        self._birth = birth_topic(discovery_prefix) if discovery_prefix else ""
        self._cameras = CameraTopics(
            self._topics,
            self._mirror,
            discovery_prefix=discovery_prefix,
            has_snapshots=settings.snapshots,
        )
        self._kept: deque[tuple[float, bytes]] = deque()
        self._is_up = False
        self._is_behind = False
        self._worker: Worker[Callable[[], None]] = Worker(
            "rtaction-mqtt-queue",
            lambda task: task(),
            max_waiting=_MAX_WAITING,
            on_left_out=self._left_out,
        )
        put = self._worker.put
        listener = Listener(
            up=lambda: put(self._on_up),
            down=lambda reason: put(partial(self._on_down, reason)),
            message=lambda topic, payload, was_retained: put(
                partial(self._on_message, topic, payload, was_retained=was_retained)
            ),
        )
        will = (self._topics.status, b"offline")
        self._broker = Broker(account, will, listener, back_off=back_off or CONNECT_BACK_OFF)

    @classmethod
    def from_table(cls, table: dict[str, Any], where: str) -> Mqtt:
        """Make it of the table [mqtt], see `MqttSettings`.

        Raises:
            UsageError: a key is invalid, an environment variable is not set, or the file of
                certificates is unusable.
            MissingLibrary: paho-mqtt is not installed.
        """
        return cls(MqttSettings.from_table(table, where), where)

    @property
    def name(self) -> str:
        """For a person."""
        return self._counts.name

    @name.setter
    def name(self, name: str) -> None:
        self._counts.name = name

    def open(self, house: House) -> None:
        """Begin."""
        self._house = house
        self._worker.start()
        self._broker.start()

    def event(self, record: EventRecord, phase: Phase) -> None:
        """Tell of an event."""
        self._worker.put(partial(self._on_event, record, phase))

    def camera(self, view: CameraView) -> None:
        """Tell how a camera is."""
        self._worker.put(partial(self._on_camera, view))

    def camera_gone(self, camera: str) -> None:
        """Remove a camera's topics."""
        self._worker.put(partial(self._on_gone, camera))

    def view(self) -> SinkView:
        """How it is; sent, kept and missed are events."""
        return self._counts.view(self._worker.num_waiting + len(self._kept))

    def close(self, timeout_seconds: float) -> None:
        """Tell what can be told in this time; the broker then says "offline"."""
        ends_at = time.monotonic() + timeout_seconds
        self._worker.close(timeout_seconds / 2)
        self._counts.missed(len(self._kept))
        self._kept.clear()
        self._broker.close(max(ends_at - time.monotonic(), 0.0))

    def _on_up(self) -> None:
        assert self._house is not None
        self._is_up = True
        self._counts.sent(0)
        subscriptions = [
            Subscription(self._topics.commands("+"), wants_retained=False),
            Subscription(self._topics.of("+", STATE), wants_retained=True),
        ]
        if self._birth:
            subscriptions.append(Subscription(self._birth, wants_retained=False))
        # Before anything is told: what an earlier run has told shall come first.
        self._broker.subscribe(subscriptions)
        self._mirror.forget_told()
        self._mirror.set(self._topics.status, b"online")
        for view in self._house.cameras():
            if view.id not in self._cameras:
                self._cameras.camera(view)
        self._tell()
        kept, self._kept = self._kept, deque()
        for expires_seconds, payload in kept:
            self._pass_on(expires_seconds, payload)

    def _on_down(self, reason: str) -> None:
        self._is_up = False
        self._counts.failed(reason)

    def _on_camera(self, view: CameraView) -> None:
        self._cameras.camera(view)
        self._tidy()
        self._tell()

    def _on_gone(self, camera: str) -> None:
        self._cameras.gone(camera)
        self._tell()

    def _on_event(self, record: EventRecord, phase: Phase) -> None:
        if phase != "change":
            payload = json.dumps({"phase": phase, **record.to_dict()}).encode()
            self._cameras.event(record, phase, payload)
            self._tell()
            self._pass_on(time.monotonic() + self._settings.keep_seconds, payload)
        has_news = phase == "start" or (phase == "change" and record.snapshot is not None)
        if self._settings.snapshots and has_news:
            self._show_snapshot(record)

    def _show_snapshot(self, record: EventRecord) -> None:
        assert self._house is not None
        jpeg = snapshot_of(self._house, record)
        if jpeg is None:
            return
        if self._settings.retain_snapshots:
            self._cameras.snapshot(record.camera, jpeg)
            self._tell()
        else:
            topic = self._topics.of(record.camera, SNAPSHOT)
            self._broker.publish(topic, jpeg, qos=self._settings.qos, is_retained=False)

    def _on_message(self, topic: str, payload: bytes, *, was_retained: bool) -> None:
        camera = self._topics.camera_of(topic)
        if topic == self._birth and payload == b"online":
            self._cameras.announce_again()
        elif topic == self._topics.commands(camera):
            self._command(camera, payload)
        elif topic == self._topics.of(camera, STATE) and was_retained:
            self._cameras.found(camera, payload)
            self._tidy()
        self._tell()

    def _command(self, camera: str, payload: bytes) -> None:
        assert self._house is not None
        wanted = payload.strip().upper()
        shown = printable(camera)[:64]
        if wanted not in (b"ON", b"OFF"):
            _log.warning("mqtt: a command for %s is neither ON nor OFF; it is left out", shown)
            return
        try:
            self._house.enable(camera, is_enabled=wanted == b"ON")
        except RtactionError as error:
            _log.warning("mqtt: the command for %s cannot be done: %s", shown, error)

    def _tidy(self) -> None:
        assert self._house is not None
        watched = {view.id for view in self._house.cameras()}
        self._cameras.tidy(watched, is_ready=self._house.is_ready())

    def _pass_on(self, expires_seconds: float, payload: bytes) -> None:
        """Publish an event, or else keep it."""
        is_sent = self._is_up and self._broker.publish(
            self._topics.events,
            payload,
            qos=max(self._settings.qos, 1),
            is_retained=False,
            then=partial(self._event_answered, expires_seconds, payload),
        )
        if not is_sent:
            self._keep(expires_seconds, payload)

    def _keep(self, expires_seconds: float, payload: bytes) -> None:
        """Keep an event for the next connection, if it does not become too old."""
        now_seconds = time.monotonic()
        self._kept.append((expires_seconds, payload))
        while self._kept and (self._kept[0][0] <= now_seconds or len(self._kept) > _MAX_KEPT):
            self._kept.popleft()
            self._counts.missed()

    def _event_answered(self, expires_seconds: float, payload: bytes, outcome: str) -> None:
        if outcome == TAKEN:
            self._counts.sent()
        elif outcome == LOST:
            self._worker.put(partial(self._keep, expires_seconds, payload))
        else:
            self._counts.missed()
            self._counts.failed(outcome)

    def _left_out(self, task: Callable[[], None]) -> None:
        """Too much waits, or it is the end: an event is missed."""
        if isinstance(task, partial) and task.func in (self._on_event, self._keep):
            self._counts.missed()

    def _tell(self) -> None:
        """Have the broker retain what is new; what it cannot take now, after its next answer."""
        if self._is_up:
            self._is_behind = not self._mirror.tell(self._retain)

    def _retain(self, topic: str, payload: bytes) -> bool:
        return self._broker.publish(
            topic, payload, qos=self._settings.qos, is_retained=True, then=self._topic_answered
        )

    def _topic_answered(self, outcome: str) -> None:
        if outcome not in (TAKEN, LOST):
            self._counts.failed(outcome)
        if self._is_behind:
            self._is_behind = False
            self._worker.put(self._tell)
