"""One service at a time in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rtaction.errors import OutputError, UsageError
from rtaction.serve.store.folder_lock import FolderLock

_HOLD = """
import sys, time
from pathlib import Path
from rtaction.serve.store.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_one_is_refused_until_the_first_has_gone(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(UsageError, match=rf"another rtaction serve .*\(process {os.getpid()}\)"):
        FolderLock(tmp_path)
    first.close()
    first.close()
    second = FolderLock(tmp_path)
    with pytest.raises(UsageError):
        FolderLock(tmp_path)
    second.close()


def test_a_killed_process_leaves_nothing_locked(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=str(process.pid)):
            FolderLock(tmp_path)
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    finally:
        process.kill()
        process.communicate()
    FolderLock(tmp_path).close()


def test_when_the_last_one_was_alive(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    assert first.last_alive is None
    first.close()
    long_ago = datetime.now(UTC) - timedelta(hours=5)
    os.utime(tmp_path / "rtaction.lock", (long_ago.timestamp(), long_ago.timestamp()))
    second = FolderLock(tmp_path)
    assert second.last_alive is not None
    assert abs(second.last_alive - long_ago) < timedelta(seconds=2)
    second.beat()
    second.close()
    third = FolderLock(tmp_path)
    assert third.last_alive is not None
    assert third.last_alive - long_ago > timedelta(hours=4)
    third.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write to the folder"):
        FolderLock(tmp_path / "none")
