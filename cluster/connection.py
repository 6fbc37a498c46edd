"""Reach a Ray cluster, or start one on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rtaction.errors import UsageError, extra_missing

LOCAL = "local"
_ANSWER_SECONDS = 5.0


def import_ray(what: str) -> Any:
    """Ray, which comes with `rtaction[ray]`.

    Args:
        what: what needs it, such as "--ray".

    Raises:
        MissingLibrary: it is not installed.
    """
    # Read on import: nothing is told to Ray's makers, and nobody waits for it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise extra_missing(what, "ray", error) from None
    return ray


def _require_listener(address: str) -> None:
    """Ask whether anybody listens at `host:port`: Ray itself would try for two minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # "auto", or for Ray to judge
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_ray(address, str(error)) from None


def _no_ray(address: str, reason: str) -> UsageError:
    return UsageError(
        f"no Ray answers at {address!r} ({reason}); start one with `ray start --head`, or leave "
        "the address out to use this machine alone"
    )


@contextmanager
def connected(address: str = LOCAL, what: str = "--ray", **options: Any) -> Iterator[Any]:
    """Ray, connected while the context is open.

    Args:
        address: "local" starts Ray on this machine alone, bound to loopback; "auto" joins the one
            that runs on this machine; `host:port` and `ray://host:port` join another.
        what: what needs Ray, for messages.
        options: of `ray.init`.

    Raises:
        MissingLibrary: Ray is not installed.
        UsageError: no Ray answers at the address.
    """
    if address == LOCAL:
        # Read on import. Without it, Ray takes 127.0.0.1 for a mistake, puts the outer address of
        # this machine in its place, and listens there.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    ray = import_ray(what)
    if address == LOCAL:
        alone = {"address": LOCAL, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        options = alone | options
    else:
        _require_listener(address)
        options = {"address": address} | options
    try:
        ray.init(logging_level="ERROR", **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _no_ray(address, (str(error).splitlines() or ["no reason given"])[0]) from None
    try:
        yield ray
    finally:
        ray.shutdown()
