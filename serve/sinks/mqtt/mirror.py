"""What a broker shall retain, and what of it it has been told."""

from __future__ import annotations

from collections.abc import Callable


class Mirror:
    """Retained topics: what they shall hold, so that all can be told again after an outage.

    It is for one thread, and keeps only the newest value of each topic.
    """

    def __init__(self) -> None:
        self._wanted: dict[str, bytes] = {}
        self._told: dict[str, bytes] = {}

    def set(self, topic: str, payload: bytes) -> None:
        """What a topic shall hold; nothing removes it. They are told in this order."""
        if self._wanted.get(topic) != payload:
            self._wanted.pop(topic, None)
            self._wanted[topic] = payload

    def remove_below(self, beginning: str) -> None:
        """Remove all topics that begin like this."""
        for topic in list(self._wanted):
            if topic.startswith(beginning):
                self.set(topic, b"")

    def forget_told(self, topic: str | None = None) -> None:
        """Tell a topic again, or all, as after an outage."""
        if topic is None:
            self._told.clear()
        else:
            self._told.pop(topic, None)

    def tell(self, publish: Callable[[str, bytes], bool]) -> bool:
        """Tell what is new.

        Args:
            publish: tells one topic; False if it cannot be told now.

        Returns:
            Whether all is told.
        """
        for topic, payload in list(self._wanted.items()):
            if self._told.get(topic) == payload:
                continue
            if not publish(topic, payload):
                return False
            self._told[topic] = payload
            if not payload:
                del self._wanted[topic], self._told[topic]
        return True
