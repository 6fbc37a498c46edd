"""Names of MQTT topics."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

STATE, ACTION, SNAPSHOT, ENABLED, SET = "state", "action", "snapshot", "enabled", "set"
_TAKEN = (STATE, ACTION, SNAPSHOT, ENABLED)


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of topics, see `rtaction.serve.sinks.mqtt`.

    Args:
        prefix: what all begin with.
    """

    prefix: str

    @property
    def status(self) -> str:
        """Whether rtaction runs."""
        return f"{self.prefix}/status"

    @property
    def events(self) -> str:
        """All events."""
        return f"{self.prefix}/events"

    def of(self, camera: str, what: str) -> str:
        """A topic of one camera, or of all for "+"."""
        return f"{self.prefix}/{camera}/{what}"

    def commands(self, camera: str) -> str:
        """Where a camera is told whether it is to be watched."""
        return f"{self.of(camera, ENABLED)}/{SET}"

    def camera_of(self, topic: str) -> str:
        """The camera that a topic of one camera belongs to."""
        return topic.removeprefix(f"{self.prefix}/").partition("/")[0]


def slug(text: str) -> str:
    """A text in letters, digits and underscores, as topics and Home Assistant's ids are."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "unnamed"


def label_topics(labels: Iterable[str]) -> dict[str, str]:
    """The last part of each label's topic; unique, also among the other topics of a camera."""
    topics: dict[str, str] = {}
    for label in labels:
        first = slug(label)
        name, number = first, 2
        while name in _TAKEN or name in topics.values():
            name, number = f"{first}_{number}", number + 1
        topics[label] = name
    return topics
