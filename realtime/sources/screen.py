"""The screen as a live source, to try a model on whatever plays in a window.

On Linux this is the X display; under Wayland it shows at most the windows of X programs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np

from rtaction.errors import CameraLost, MissingLibrary, SourceMissing
from rtaction.frame import Frame
from rtaction.installation import install_command
from rtaction.opencv import cv2
from rtaction.realtime.cameras.address import Address

if TYPE_CHECKING:
    import mss
    from mss.models import Monitor

FRAMES_PER_SECOND = 30.0


class ScreenSource:
    """A screen, or a part of it, at up to 30 frames per second.

    Args:
        address: from `parse_address`, of the kind "screen".

    Raises:
        MissingLibrary: mss is not installed.
        SourceMissing: there is no display, or no such monitor or region on it.
    """

    is_live = True

    def __init__(self, address: Address) -> None:
        self.name = address.name
        self.frames_per_second = FRAMES_PER_SECOND
        self._target = str(address.target)
        self._closed = threading.Event()
        with _opened_display(self.name) as display:
            _region(display, self._target, self.name)

    def frames(self) -> Iterator[Frame]:
        """RGB frames on the monotonic clock.

        Raises:
            SourceMissing: the display, monitor or region is no longer there.
            CameraLost: the display went away or changed.
        """
        from mss import ScreenShotError

        # A display connection is best used by the thread that created it.
        with _opened_display(self.name) as display:
            region = _region(display, self._target, self.name)
            index = 0
            due_seconds = time.monotonic()
            while not self._closed.wait(max(due_seconds - time.monotonic(), 0.0)):
                at_seconds = time.monotonic()
                try:
                    shot = display.grab(region)
                except (ScreenShotError, AssertionError):
                    # mss 10.2 asserts that a lost display has reported an error.
                    raise CameraLost(
                        f"{self.name} can no longer be read: the display went away or changed; "
                        "everything up to then is kept"
                    ) from None
                image_bgra = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
                image_rgb = cv2.cvtColor(image_bgra, cv2.COLOR_BGRA2RGB)
                yield Frame(image_rgb, at_seconds, index, self.name)
                index += 1
                # Late frames are not made up for in a burst.
                due_seconds = max(due_seconds + 1 / FRAMES_PER_SECOND, time.monotonic())

    def close(self) -> None:
        """End `frames` at once, or after the frame that is being taken."""
        self._closed.set()


@contextmanager
def _opened_display(name: str) -> Iterator[mss.MSS]:
    try:
        from mss import MSS, ScreenShotError
    except ImportError:
        raise MissingLibrary(
            "watching the screen needs another library; install it with: "
            f"{install_command('screen')}"
        ) from None
    try:
        display = MSS()
    except ScreenShotError as error:
        raise SourceMissing(
            f"{name}: there is no display to watch ({error}); expected a desktop, on Linux with "
            "DISPLAY set to its X display, such as :0"
        ) from None
    try:
        yield display
    finally:
        # Closing fails if the display has gone, but frees it all the same: a second close, as by
        # mss's own `with`, would crash the process.
        with suppress(ScreenShotError):
            display.close()


def _region(display: mss.MSS, target: str, name: str) -> Monitor:
    """The region to capture, all of it on the display.

    Args:
        display: the open display.
        target: "", a monitor's number from 1, or "left,top,width,height".
        name: of the source, for errors.
    """
    if not target:
        return display.primary_monitor
    whole, *monitors = display.monitors
    numbers = [int(number) for number in target.split(",")]
    if len(numbers) == 1:
        if not 1 <= numbers[0] <= len(monitors):
            raise SourceMissing(
                f"{name}: there is no such monitor; expected a number from 1 to {len(monitors)}"
            )
        return monitors[numbers[0] - 1]
    left, top, width, height = numbers
    right, bottom = whole["left"] + whole["width"], whole["top"] + whole["height"]
    is_inside = whole["left"] <= left and whole["top"] <= top
    if not (is_inside and left + width <= right and top + height <= bottom):
        raise SourceMissing(
            f"{name}: this region lies outside the display, which spans {whole['left']},"
            f"{whole['top']} to {right},{bottom}; expected LEFT,TOP,WIDTH,HEIGHT within it"
        )
    return {"left": left, "top": top, "width": width, "height": height}
