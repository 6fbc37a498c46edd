"""Learn from takes in a process of its own, so that cameras are watched on undisturbed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

_PROGRESS = re.compile(r"learning: (\d+)%")
_NICENESS = 10
_MOST_LINES = 40


class Learning:
    """`rtaction teach` on the takes of a folder.

    Args:
        folder: with a folder of takes for each label; the model goes there too.

    Attributes:
        progress: 0 to 1.
        lines: for a person, once it is over: the report, or what went wrong.
    """

    def __init__(self, folder: Path) -> None:
        self.progress = 0.0
        self.lines: tuple[str, ...] = ()
        command = [sys.executable, "-m", "rtaction", "teach", "--from", str(folder)]
        self._process = subprocess.Popen(
            [*command, "--output", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)
        self._told: deque[str] = deque(maxlen=_MOST_LINES)
        self._thread = threading.Thread(target=self._follow, name="rtaction-learning", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return not self._thread.is_alive()

    @property
    def has_succeeded(self) -> bool:
        """Whether there is a model."""
        return self.is_over and self._process.returncode == 0

    def end(self) -> None:
        """End it; there is no model of these takes."""
        self._process.terminate()
        self._thread.join(5.0)
        self._process.kill()

    def _follow(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        reader = threading.Thread(target=self._follow_progress, daemon=True)
        reader.start()
        report = [line.rstrip() for line in self._process.stdout if line.strip()]
        reader.join()
        failed = self._process.wait() != 0
        told = list(self._told)
        # Where the model lies on this machine is of no use in a browser.
        shown = [line for line in report if not line.startswith(("the model: ", "see it live: "))]
        self.lines = tuple(told[-3:] if failed else shown)

    def _follow_progress(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            found = _PROGRESS.match(line)
            if found:
                self.progress = int(found[1]) / 100
            elif line.strip():
                self._told.append(line.rstrip())
