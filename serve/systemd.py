"""Tell systemd how the service is: ready, alive, reloading, stopping.

The protocol is that of sd_notify(3): one datagram to the socket in $NOTIFY_SOCKET. Without it,
nothing happens.
"""

from __future__ import annotations

import os
import socket
import time


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear that the service is alive, None if it does not."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    wanted_by = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdecimal() or wanted_by != str(os.getpid()):
        return None
    return int(microseconds) / 1e6


def notify(*lines: str) -> None:
    """Tell systemd, if it started this process.

    Args:
        lines: such as "READY=1" or "STATUS=8 cameras".
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        try:
            to.sendto("\n".join(lines).encode(), address)
        except OSError:
            return  # systemd is gone, or does not listen; the service goes on


def reloading() -> None:
    """Tell systemd that the file is read anew; "READY=1" ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
