"""A display window, if there is a display.

OpenCV kills the process if a window is opened without a display, so a child process tries it
first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType
from typing import Any

import numpy.typing as npt

from rtaction.errors import DisplayUnavailable
from rtaction.opencv import cv2

_ESCAPE = chr(27)
_NO_KEY = 0xFF
# On a busy machine Qt may miss that its window is mapped, and then leaves it black for ever. At
# this frame the window becomes one row higher, which makes Qt notice in most cases; where it does
# not, minimising and restoring the window does.
_NUDGED_AT = 3
_PROBE = "import cv2; cv2.namedWindow('rtaction'); cv2.destroyAllWindows()"
_PROBE_TIMEOUT_SECONDS = 15.0


def display_available() -> bool:
    """Whether a window can be opened; on Linux a child process tries it."""
    if not _has_gui():
        return False
    if sys.platform != "linux":
        return True
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return probe.returncode == 0


def _has_gui() -> bool:
    lines = cv2.getBuildInformation().splitlines()
    gui = next(
        (line.split(":", 1)[1].strip() for line in lines if line.strip().startswith("GUI:")), ""
    )
    return gui not in ("", "NONE")


def open_screen(wanted: bool | None) -> Screen | None:
    """Open a window, if wanted.

    Args:
        wanted: True, False, or None for "if one can be opened".

    Raises:
        DisplayUnavailable: True was given and no window can be opened.
    """
    if wanted is False:
        return None
    if display_available():
        return Screen()
    if wanted:
        raise DisplayUnavailable(
            "no window can be opened here: expected a display (DISPLAY or WAYLAND_DISPLAY) and "
            "an opencv-python with GUI support; use --headless, with --save or --output"
        )
    return None


class Screen:
    """A window that shows images; q, Esc or its close button ends it.

    Use `open_screen` to create one: without a display OpenCV would end the process.

    Args:
        title: of the window. Default "rtaction".
    """

    def __init__(self, title: str = "rtaction") -> None:
        self._title = title
        self._num_shown = 0
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        cv2.destroyAllWindows()

    def show(self, image_rgb: npt.NDArray[Any]) -> None:
        """Show an image: uint8 RGB, shape (height, width, 3)."""
        height, width = image_rgb.shape[:2]
        if self._num_shown == 0:
            cv2.resizeWindow(self._title, width, height - 1)
        elif self._num_shown == _NUDGED_AT:
            cv2.resizeWindow(self._title, width, height)
        cv2.imshow(self._title, cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
        self._num_shown += 1

    def key(self) -> str:
        """Process window events; returns the key that was pressed, or ""."""
        code = cv2.waitKey(1) & 0xFF
        return "" if code == _NO_KEY else chr(code).lower()

    def wants_to_quit(self, key: str) -> bool:
        """Whether the person wants to quit: with this key, or by closing the window."""
        if key in ("q", _ESCAPE):
            return True
        # Before the first image the window does not count as visible.
        return self._num_shown > 0 and not self._is_open()

    def _is_open(self) -> bool:
        try:
            return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)
        except cv2.error:
            return False  # Qt forgets its last window once that is closed
