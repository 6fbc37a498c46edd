"""What one event costs: its line in the index, MQTT, a webhook. Part of `benchmarks.capacity`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rtaction.serve.house.house import Query, Sink, SinkView
from rtaction.serve.sinks.mqtt.settings import MqttSettings
from rtaction.serve.sinks.mqtt.sink import Mqtt
from rtaction.serve.sinks.webhooks.post import Receiver as Address
from rtaction.serve.sinks.webhooks.sink import Webhook, WebhookSettings
from rtaction.serve.store.index import EventIndex
from tests.serve.made_events import made_event
from tests.serve.sinks.doubles import Room, ended, record, view, wait_until
from tests.serve.sinks.mosquitto import Mosquitto
from tests.serve.sinks.receiver import Receiver

NUM_INDEXED, NUM_TOLD, AT_ONCE = 5_000, 200, 10


def event_lines() -> Iterator[str]:
    """An event, told at its start and at its end."""
    with TemporaryDirectory(prefix="rtaction-") as name:
        folder = Path(name)
        yield from _index_lines(folder)
        yield from _sink_lines(folder)


def _index_lines(folder: Path) -> Iterator[str]:
    path = folder / "events.db"
    index = EventIndex(path)
    cpu_seconds, passed_seconds = time.process_time(), time.monotonic()
    for number in range(NUM_INDEXED):
        event = made_event(number)
        index.add(replace(event, ended_at=None))
        index.update(event)
    cpu_seconds = (time.process_time() - cpu_seconds) / NUM_INDEXED
    passed_seconds = (time.monotonic() - passed_seconds) / NUM_INDEXED
    started = time.process_time()
    for _ in range(20):
        index.find(Query(limit=50))
    read_seconds = (time.process_time() - started) / 20
    index.close()
    num_bytes = sum(one.stat().st_size for one in folder.glob("events.db*"))
    yield _line(
        "index, start and end of an event", cpu_seconds, f"{passed_seconds * 1000:.2f} ms passed"
    )
    yield _line("index, the latest 50 events read", read_seconds)
    yield f"{'index, on disk':<48}{num_bytes / NUM_INDEXED:>9.0f} bytes an event"
    size = len(json.dumps(made_event(1).to_dict()))
    yield f"{'an event as JSON':<48}{size:>9} bytes"


def _sink_lines(folder: Path) -> Iterator[str]:
    with ExitStack() as stack:
        broker, receiver = Mosquitto(folder), Receiver()
        stack.callback(broker.end)
        receiver.start()
        stack.callback(receiver.end)
        settings = MqttSettings(host="127.0.0.1", port=broker.port, keep_seconds=3600)
        mqtt = Mqtt(settings, "cameras.toml, mqtt")
        stack.callback(mqtt.close, 1.0)
        webhook = Webhook(
            WebhookSettings(url=receiver.url()),
            Address.parse(receiver.url()),
            url=receiver.url(),
            secret=b"key",
            queue=folder / "queue.sqlite",
        )
        stack.callback(webhook.close, 1.0)
        yield _told("MQTT to Mosquitto, start and end of an event", mqtt, mqtt.view)
        yield _told("webhook, start and end, with its receiver", webhook, webhook.view)


def _told(what: str, sink: Sink, seen: Callable[[], SinkView]) -> str:
    Room(view()).open(sink)
    _tell(sink, 1)
    wait_until(lambda: seen().num_sent >= 2)
    cpu_seconds, passed_seconds = time.process_time(), time.monotonic()
    for _ in range(NUM_TOLD // AT_ONCE):
        before = seen().num_sent
        _tell(sink, AT_ONCE)
        wait_until(lambda before=before: seen().num_sent >= before + 2 * AT_ONCE)  # type: ignore[misc]
    cpu_seconds = (time.process_time() - cpu_seconds) / NUM_TOLD
    passed_seconds = (time.monotonic() - passed_seconds) / NUM_TOLD
    return _line(what, cpu_seconds, f"{passed_seconds * 1000:.2f} ms passed")


def _tell(sink: Sink, count: int) -> None:
    for _ in range(count):
        event = record("fall")
        sink.event(event, "start")
        sink.event(ended(event), "end")


def _line(what: str, cpu_seconds: float, more: str = "") -> str:
    return f"{what:<48}{cpu_seconds * 1000:>9.3f} ms of a core{'; ' if more else ''}{more}"
