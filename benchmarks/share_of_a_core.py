"""Give another process only a share of one core."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PERIOD_SECONDS = 0.1
_CGROUPS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


@contextmanager
def limited(pid: int, share: float) -> Iterator[None]:
    """Give a process only a share of one core."""
    group = _limited_group(pid, share)
    if group is not None:
        try:
            yield
        finally:
            (group.parent / "cgroup.procs").write_text(str(pid))
            group.rmdir()
        return
    ended = threading.Event()
    stopper = threading.Thread(target=_stop_and_continue, args=(pid, share, ended))
    stopper.start()
    try:
        yield
    finally:
        ended.set()
        stopper.join()


def _limited_group(pid: int, share: float) -> Path | None:
    """A cgroup, of version 1 or 2, with the process in it; None if that is not permitted."""
    period = round(PERIOD_SECONDS * 1e6)
    quota = round(share * period)
    for root in _CGROUPS:
        group = root / f"rtaction-{pid}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if (group / "cpu.max").exists():
                (group / "cpu.max").write_text(f"{quota} {period}")
            else:
                (group / "cpu.cfs_period_us").write_text(str(period))
                (group / "cpu.cfs_quota_us").write_text(str(quota))
            (group / "cgroup.procs").write_text(str(pid))
        except OSError:
            group.rmdir()
        else:
            return group
    return None


def _stop_and_continue(pid: int, share: float, ended: threading.Event) -> None:
    while not ended.wait(share * PERIOD_SECONDS):
        os.kill(pid, signal.SIGSTOP)
        time.sleep((1 - share) * PERIOD_SECONDS)
        os.kill(pid, signal.SIGCONT)
