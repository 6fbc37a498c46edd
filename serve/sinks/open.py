"""The sinks that a cameras.toml asks for."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

from rtaction.errors import OutputError, UsageError
from rtaction.serve.house.house import Sink
from rtaction.serve.sinks.mqtt.sink import Mqtt
from rtaction.serve.sinks.notify import Notify
from rtaction.serve.sinks.webhooks.outbox import forget_others
from rtaction.serve.sinks.webhooks.sink import Webhook

KEYS = ("mqtt", "webhook", "notify")
"""The tables of sinks: [mqtt], [[webhook]] and [[notify]]."""
_QUEUE = "webhooks.sqlite"
_log = logging.getLogger(__name__)


def open_sinks(tables: dict[str, Any], *, where: str, folder: Path) -> list[Sink]:
    """The sinks that a cameras.toml asks for; they begin with their `open`.

    Args:
        tables: the file's content; tables of others are left alone.
        where: the file's name, for errors.
        folder: for what waits to be sent, also over a restart.

    Raises:
        UsageError: a table is invalid; the message names the key.
        MissingLibrary: a package that a table needs is not installed.
    """
    queue = folder / _QUEUE
    sinks: list[Mqtt | Webhook | Notify] = []
    mqtt = tables.get("mqtt")
    if mqtt is not None:
        if not isinstance(mqtt, dict):
            raise UsageError(f"{where}: mqtt: expected one table, written [mqtt]")
        sinks.append(Mqtt.from_table(mqtt, f"{where}, mqtt"))
    webhooks = [
        Webhook.from_table(table, place, queue=queue)
        for table, place in _several(tables, "webhook", where)
    ]
    sinks += webhooks
    sinks += [Notify.from_table(table, place) for table, place in _several(tables, "notify", where)]
    _name_apart(sinks)
    _forget_those_gone(queue, webhooks)
    return list(sinks)


def _several(tables: dict[str, Any], key: str, where: str) -> list[tuple[dict[str, Any], str]]:
    given = tables.get(key, [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise UsageError(f"{where}: {key}: expected tables, each written [[{key}]]")
    return [(table, f"{where}, {key} {number}") for number, table in enumerate(given, 1)]


def _name_apart(sinks: list[Mqtt | Webhook | Notify]) -> None:
    """Two webhooks may go to one host."""
    seen: Counter[str] = Counter()
    for sink in sinks:
        seen[sink.name] += 1
        if seen[sink.name] > 1:
            sink.name = f"{sink.name} {seen[sink.name]}"


def _forget_those_gone(queue: Path, webhooks: list[Webhook]) -> None:
    try:
        number = forget_others(queue, [one.receiver_key for one in webhooks])
    except OutputError as error:
        _log.warning("%s", error)
        return
    if number:
        _log.warning(
            "%d events that waited for webhooks that are no longer in the file are left out", number
        )
