"""Reach a Ray cluster, or start one on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rtaction.errors import UsageError, extra_missing

LOCAL = "local"


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
        options = {"address": address} | options
    try:
        ray.init(logging_level="ERROR", **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise UsageError(
            f"no Ray answers at {address!r} ({reason}); start one with `ray start --head`, or "
            "leave the address out to use this machine alone"
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()
