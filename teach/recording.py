"""A recording session: frames from the camera, takes on disk, the guide in the window.

This file knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import numpy.typing as npt

from rtaction.errors import DisplayUnavailable
from rtaction.frame import FrameDamaged
from rtaction.installation import program
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.outputs.screen import Screen, display_available
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.sources.source import Source
from rtaction.teach.beep import Beeper
from rtaction.teach.guide import draw_guide
from rtaction.teach.onlooker import Onlooker
from rtaction.teach.recorder import Recorder, Step
from rtaction.teach.takes import Take, TakesFolder

OpenSource = Callable[[Camera], Source]

NOBODY_SEEN = "nobody was seen; step into view"


def open_guide() -> Screen:
    """The window for the guide.

    Raises:
        DisplayUnavailable: there is no display.
    """
    return open_window(
        "recording",
        f"Record elsewhere with `{program()} record LABEL`, or learn from videos with "
        f"`{program()} teach --from videos/`",
    )


def open_window(task: str, advice: str) -> Screen:
    """A window, for a task that needs one.

    Args:
        task: what needs it, such as "recording".
        advice: what to do where there is none.

    Raises:
        DisplayUnavailable: there is no display.
    """
    if not display_available():
        raise DisplayUnavailable(
            f"{task} needs a window, and none can be opened here: expected a display (DISPLAY or "
            f"WAYLAND_DISPLAY) and an opencv-python with windows. {advice}"
        )
    return Screen()


class RecordingSession:
    """Records takes.

    Args:
        camera: what to record from.
        takes: where they are saved.
        screen: where the guide is drawn.
        open_with: opens the camera. Default `open_source`.
        onlooker: refuses takes in which nobody is seen. Default None: all are kept.
        beeper: tells when takes begin and end. Default None: silence.

    Attributes:
        last_image: the newest frame, uint8 RGB, or None before the first.
    """

    def __init__(
        self,
        camera: Camera,
        takes: TakesFolder,
        screen: Screen,
        *,
        open_with: OpenSource = open_source,
        onlooker: Onlooker | None = None,
        beeper: Beeper | None = None,
    ) -> None:
        self.last_image: npt.NDArray[Any] | None = None
        self._camera = camera
        self._takes = takes
        self._screen = screen
        self._open_with = open_with
        self._onlooker = onlooker
        self._beeper = beeper or Beeper(is_on=False)
        self._take: Take | None = None

    def record(self, recorder: Recorder) -> bool:
        """Record until all takes are done, the source ends, or the user quits.

        Args:
            recorder: decides which takes to record, and when.

        Returns:
            False if the user quit.

        Raises:
            SourceError: the camera cannot be opened, or was lost.
            OutputError: a take cannot be written.
        """
        source = self._open_with(self._camera)
        try:
            with closing(source.frames()) as frames:  # type: ignore[type-var]
                for frame in frames:
                    with suppress(FrameDamaged):
                        self._see(recorder, frame.image, frame.captured_at_seconds)
                    key = self._screen.key()
                    if self._screen.wants_to_quit(key):
                        return False
                    self._obey(recorder, key)
                    if recorder.is_over:
                        break
        finally:
            source.close()
            if self._take is not None:
                self._take.drop()
                self._take = None
        return True

    def _see(self, recorder: Recorder, image_rgb: npt.NDArray[Any], at_seconds: float) -> None:
        self._do(recorder.see(at_seconds), recorder)
        people = None
        if self._onlooker is not None:
            self._onlooker.look_at(image_rgb, at_seconds)
            people = self._onlooker.people
        if self._take is not None:
            self._take.add(image_rgb, at_seconds)
        self.last_image = image_rgb
        self._screen.show(draw_guide(image_rgb, recorder, people))

    def _obey(self, recorder: Recorder, key: str) -> None:
        commands = {
            "r": recorder.again,
            "d": recorder.delete,
            "n": recorder.next_label,
            " ": recorder.pause,
        }
        if key in commands:
            self._do(commands[key](), recorder)

    def _do(self, step: Step | None, recorder: Recorder) -> None:
        if step == "begin":
            self._take = self._takes.begin(recorder.quota.label)
            self._beeper.play("begin")
            if self._onlooker is not None:
                self._onlooker.begin()
        elif step == "delete":
            self._takes.takes_of(recorder.quota.label)[-1].unlink()
        elif self._take is not None and step == "end":
            take, self._take = self._take, None
            if self._onlooker is not None and not self._onlooker.has_seen_enough:
                take.drop()
                recorder.refuse(NOBODY_SEEN)
                self._beeper.play("refused")
                return
            take.finish()
            self._beeper.play("end")
        elif self._take is not None and step == "drop":
            self._take.drop()
            self._take = None
