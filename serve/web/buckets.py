"""Limits on how often somebody may do something."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic


class TokenBuckets:
    """A token bucket for each client: some at once, then as many as drip in.

    Args:
        rate_per_second: how many drip in.
        capacity: how many there are at first, and at most.
        max_clients: of whom it keeps track; the longest unseen are forgotten. Default 4096.
        clock: seconds. Default `time.monotonic`.
    """

    def __init__(
        self,
        rate_per_second: float,
        capacity: float,
        *,
        max_clients: int = 4096,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._rate_per_second = rate_per_second
        self._capacity = capacity
        self._max_clients = max_clients
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, client: str) -> float:
        """How long until the client has a token; 0.0 if it has one."""
        return max((1.0 - self._level(client)) / self._rate_per_second, 0.0)

    def take(self, client: str) -> float:
        """Take a token, if there is one.

        Returns:
            0.0 if it was taken, else the seconds until there is one.
        """
        level = self._level(client)
        if level < 1.0:
            return (1.0 - level) / self._rate_per_second
        self._levels[client] = (level - 1.0, self._clock())
        self._levels.move_to_end(client)
        if len(self._levels) > self._max_clients:
            self._levels.popitem(last=False)
        return 0.0

    def _level(self, client: str) -> float:
        level, at = self._levels.get(client, (self._capacity, self._clock()))
        return min(level + (self._clock() - at) * self._rate_per_second, self._capacity)


def client_of(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
