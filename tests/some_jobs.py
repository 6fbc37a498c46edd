"""Jobs of milliseconds that can be pickled."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from time import sleep

from rtaction.errors import DatasetError


def squared(number: int) -> int:
    """Says two lines, one of them as C code would."""
    print(f"squaring {number}", file=sys.stderr)
    os.write(2, b"native line\n")
    return number * number


def refused() -> None:
    """Fails as for a person's mistake."""
    raise DatasetError("no videos there")


def wrong() -> None:
    """Fails as for a mistake of ours."""
    raise ZeroDivisionError("by zero")


def killed() -> None:
    """Is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_once(folder: Path) -> str:
    """Is killed the first time."""
    if (folder / "begun").exists():
        return "went on"
    (folder / "begun").touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def endless(folder: Path) -> None:
    """Says its number, and does not end."""
    (folder / "pid").write_text(str(os.getpid()))
    print("begun", flush=True)
    while True:
        sleep(60)


def variable(name: str) -> str | None:
    """A variable of the environment."""
    return os.environ.get(name)
