"""Clips of the moments in which a model was unsure or wrong, for somebody to label.

They are cut out of the frames that `EventClips` keeps, and written on its thread. Beside each lies
a JSON file of its name:

    source, person, box            whom it is about; box as top, left, bottom, right, 0 to 1
    why                            "unsure" or "wrong"
    top                            the two highest smoothed scores: label, score
    window_start_seconds,
    window_end_seconds             from the source's first frame; the clip is slightly longer
    model                          file name of the model
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rtaction.errors import OutputError
from rtaction.installation import program
from rtaction.labelled.folders import UNLABELLED
from rtaction.output_file import write_json
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.actions.doubts import Doubt, Doubts
from rtaction.realtime.outputs.clips.clip_file import ClipFile, JpegPicture
from rtaction.realtime.outputs.clips.clip_names import shown_source
from rtaction.realtime.outputs.clips.event_clips import EventClips, require_writable

MOST_WAITING = 200
"""Clips that may wait for a label; beyond, none are added."""

_ROLL_SECONDS = 0.2  # around the windows, so that a whole window fits in at any frame rate
_STALE_SECONDS = 60.0
_log = logging.getLogger(__name__)


class DoubtClips:
    """Keeps a clip of each doubt, in `folder/unlabelled/`; beyond `MOST_WAITING`, none.

    Args:
        folder: of the corrections; created if missing.
        frames: keeps the frames of the last seconds.
        model_name: file name of the model.
        first_seconds: gives the time of the first frame of a source, by its name.
        doubts: finds the doubts. Default: `Doubts()`.

    Raises:
        OutputError: the folder cannot be created or written to.
    """

    def __init__(
        self,
        folder: Path,
        frames: EventClips,
        *,
        model_name: str,
        first_seconds: Callable[[str], float],
        doubts: Doubts | None = None,
    ) -> None:
        self._folder = folder / UNLABELLED
        require_writable(self._folder, "uncertain clips")
        _remove_stale(self._folder)
        self._frames = frames
        self._model_name = model_name
        self._first_seconds = first_seconds
        self._doubts = doubts or Doubts()
        self._has_said_full = False

    def see(self, prediction: Prediction, smoothed: npt.NDArray[Any]) -> None:
        """Take the next window with its smoothed scores, shape (num_labels,)."""
        doubt = self._doubts.see(prediction, smoothed)
        if doubt is not None:
            self._keep(doubt)

    def leave(self, source: str, person: int) -> None:
        """Somebody has left."""
        self._doubts.leave(source, person)

    def keep_wrong(self) -> int:
        """Keep what is shown now, which a person calls wrong; returns the number of clips."""
        doubts = self._doubts.wrong()
        for doubt in doubts:
            self._keep(doubt)
        return len(doubts)

    def _keep(self, doubt: Doubt) -> None:
        record = {
            "source": shown_source(doubt.source),
            "person": doubt.person,
            "box": None if doubt.box is None else [round(float(side), 4) for side in doubt.box],
            "why": doubt.why,
            "top": [{"label": label, "score": round(score, 4)} for label, score in doubt.top],
            "window_start_seconds": self._seconds(doubt, doubt.start_seconds),
            "window_end_seconds": self._seconds(doubt, doubt.end_seconds),
            "model": self._model_name,
        }
        start_seconds = doubt.start_seconds - _ROLL_SECONDS
        # A window of people may begin before the first frame; what comes after makes up for it.
        missing_seconds = max(self._first_seconds(doubt.source) - start_seconds, 0.0)
        missing_seconds = min(missing_seconds, doubt.end_seconds - start_seconds)
        span = ActionEvent(
            doubt.source,
            doubt.why,
            start_seconds,
            doubt.end_seconds + _ROLL_SECONDS + missing_seconds,
            doubt.top[0][1],
            doubt.number,
            doubt.person,
            doubt.box,
        )
        self._frames.add_span(
            span, lambda stem: _DoubtFile(self._folder, stem, record, self._has_room)
        )

    def _seconds(self, doubt: Doubt, at_seconds: float) -> float:
        return round(at_seconds - self._first_seconds(doubt.source), 3)

    def _has_room(self) -> bool:
        """Whether another clip may wait; on the writing thread, as a slow disk must not delay."""
        names = [path for path in self._folder.iterdir() if not path.name.startswith(".")]
        if sum(path.suffix != ".json" for path in names) < MOST_WAITING:
            return True
        if not self._has_said_full:
            self._has_said_full = True
            _log.warning(
                "%d uncertain clips wait for a label, and no more are saved until you label some: "
                "%s label %s",
                MOST_WAITING,
                program(),
                self._folder.parent,
            )
        return False


class _DoubtFile(ClipFile):
    """A clip that is hidden until it is complete."""

    def __init__(
        self, folder: Path, stem: str, record: dict[str, Any], has_room: Callable[[], bool]
    ) -> None:
        super().__init__(folder, f".{stem}")
        self._record = record
        self._ask_for_room = has_room
        self._has_room: bool | None = None

    def write(self, picture: JpegPicture) -> None:
        if self._has_room is None:
            self._has_room = self._ask_for_room()
        if self._has_room:
            super().write(picture)

    def close(self) -> None:
        super().close()
        if self.path is None or self.failed:
            return
        kept = self.path.with_name(self.path.name[1:])
        # The JSON is first: a clip that is there is never without.
        write_json(kept.with_suffix(".json"), self._record)
        try:
            os.replace(self.path, kept)
        except OSError as error:
            raise OutputError(f"{kept}: {error.strerror or error}") from None


def _remove_stale(folder: Path) -> None:
    """Remove what a process left that was killed while it wrote."""
    for left in folder.glob(".*.mkv"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                left.unlink()
