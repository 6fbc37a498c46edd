"""The clips of judged events, in the folder of corrections that `train` and `teach` read.

    right             FOLDER/<label of the event>/
    wrong             FOLDER/unlabelled/, where `rtaction label` asks for the label
    another label     FOLDER/<that label>/

What is kept there is the event with a second around it, small enough to train with. Beside each
clip lies a JSON file of its name, as beside those of `rtaction cam --save-uncertain`, with the same
`source`, `person`, `box`, `top` and `model`, and

    why                              "right", "wrong", or "label" if a person gave another
    event                            its id
    started_at                       in UTC
    event_start_seconds,
    event_end_seconds                in this clip
"""

from __future__ import annotations

import logging
import os
import re
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from rtaction.opencv import cv2  # isort: skip  # before PyAV: windows hang with its libxcb
import av

from rtaction.errors import OutputError, UsageError
from rtaction.labelled.folders import UNLABELLED
from rtaction.output_file import whole_file, write_json
from rtaction.realtime.outputs.clips.event_clips import require_writable
from rtaction.serve.clips.event_file import start_in
from rtaction.serve.house.record import RIGHT, WRONG, EventRecord, iso
from rtaction.teach.waiting_clips import check_new_label
from rtaction.video.rgb_converter import RgbConverter
from rtaction.video.writer import VideoWriter, even_size_of

# An event starts and ends at the middles of windows.
_MARGIN_SECONDS = 1.0
_FRAMES_PER_SECOND = 15.0
_MOST_PIXELS_HIGH = 480
_VERDICT = re.compile(r"[\w -]{1,64}")
_log = logging.getLogger(__name__)


def check_verdict(verdict: str) -> str:
    """Return what a person says of an event.

    Raises:
        UsageError: it is neither "right" nor "wrong" nor a label of letters, digits, spaces, _ and
            -, at most 64 of them.
    """
    if not _VERDICT.fullmatch(verdict):
        raise UsageError(
            'expected "right", "wrong", or a label of letters, digits, spaces, _ and -, at most '
            f"64 of them; got {verdict[:80]!r}"
        )
    return check_new_label(verdict)


class Corrections:
    """Puts the clips of judged events into the folder of corrections, in a thread of its own.

    Args:
        folder: of the corrections; created if missing.
        clips: folder of the clips of events.

    Raises:
        OutputError: the folder cannot be created or written to.
    """

    def __init__(self, folder: Path, clips: Path) -> None:
        require_writable(folder, "corrections")
        self._folder = folder
        self._clips = clips
        self._work = ThreadPoolExecutor(1, thread_name_prefix="rtaction-corrections")
        self._pending: list[Future[None]] = []
        self._lock = threading.Lock()

    def put(self, record: EventRecord) -> None:
        """Put the clip of an event where its verdict says, soon; without one, take it out.

        It may be called again: when another verdict is given, or the clip is there at last. Until
        then there is nothing to put. A clip that is in no place for its verdict is removed from
        there, also if a person has labelled it meanwhile.

        Args:
            record: with a verdict that `check_verdict` allows.
        """
        with self._lock:
            self._pending = [one for one in self._pending if not one.done()]
            self._pending.append(self._work.submit(self._put, record))

    def flush(self, timeout_seconds: float) -> None:
        """Wait until all is done, for at most this time."""
        with self._lock:
            pending = list(self._pending)
        for one in pending:
            one.result(timeout_seconds)

    def close(self) -> None:
        """Complete what is being done, and leave the rest: who judges again puts it anew."""
        self._work.shutdown(wait=True, cancel_futures=True)

    def _put(self, record: EventRecord) -> None:
        try:
            self._put_in_place(record)
        except (OSError, OutputError, av.error.FFmpegError) as error:
            _log.warning("the clip of a judged event is not kept as a correction: %s", error)

    def _put_in_place(self, record: EventRecord) -> None:
        if record.clip is None:
            if record.verdict is None:
                self._remove(record.id)
            return
        wanted = None if record.verdict is None else self._folder / _label_of(record) / record.clip
        self._remove(record.id, record.clip, keep=wanted)
        clip = self._clips / record.clip
        if wanted is None or wanted.exists() or not clip.is_file():
            return
        span = _span_of(clip, record)
        # The JSON is first: a clip that is there is never without.
        write_json(wanted.with_suffix(".json"), _told(record, span))
        with whole_file(wanted) as partial:
            _cut(clip, partial, span)

    def _remove(self, event: str, name: str = "", *, keep: Path | None = None) -> None:
        """Remove an event's clip from all folders but one, with its JSON, and empty folders."""
        pattern = name or f"*_{event.rpartition('-')[2]}.mp4"
        for clip in list(self._folder.glob(f"*/{pattern}")):
            if clip == keep or clip.parent.name.startswith("."):
                continue
            for path in (clip, clip.with_suffix(".json")):
                path.unlink(missing_ok=True)
            with suppress(OSError):  # others are in it
                os.rmdir(clip.parent)


def _label_of(record: EventRecord) -> str:
    verdict = record.verdict
    assert verdict is not None
    return {RIGHT: record.label, WRONG: UNLABELLED}.get(verdict, verdict)


def _span_of(clip: Path, record: EventRecord) -> tuple[float, float] | None:
    """From when to when the event goes in its clip, in seconds; None if that is not known."""
    with av.open(str(clip)) as container:
        start_seconds = start_in(container.metadata.get("comment", ""))
    if start_seconds is None or record.ended_at is None:
        return None
    return start_seconds, start_seconds + (record.ended_at - record.started_at).total_seconds()


def _told(record: EventRecord, span: tuple[float, float] | None) -> dict[str, Any]:
    begin = 0.0 if span is None else max(span[0] - _MARGIN_SECONDS, 0.0)
    start, end = (None, None) if span is None else (round(at - begin, 3) for at in span)
    verdict = record.verdict
    return {
        "source": record.camera_name,
        "person": record.person,
        "box": None if record.box is None else [round(float(edge), 4) for edge in record.box],
        "why": verdict if verdict in (RIGHT, WRONG) else "label",
        "top": [{"label": record.label, "score": round(record.peak_score, 4)}],
        "event": record.id,
        "started_at": iso(record.started_at),
        "event_start_seconds": start,
        "event_end_seconds": end,
        "model": record.model,
    }


def _cut(clip: Path, to: Path, span: tuple[float, float] | None) -> None:
    """Write the part of a clip that shows its event."""
    begin, end = (0.0, float("inf")) if span is None else span
    converter = RgbConverter()
    with (
        av.open(str(clip)) as container,
        closing(VideoWriter(to, frames_per_second=_FRAMES_PER_SECOND)) as writer,
    ):
        for frame in container.decode(video=0):
            at_seconds = float(frame.time or 0.0)
            if at_seconds > end + _MARGIN_SECONDS:
                break
            if at_seconds >= begin - _MARGIN_SECONDS:
                image = converter.to_rgb(frame)
                height, width = image.shape[:2]
                if height > _MOST_PIXELS_HIGH:
                    width = round(width * _MOST_PIXELS_HIGH / height)
                    size_hw = even_size_of((_MOST_PIXELS_HIGH, width))
                    image = cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_AREA)
                writer.write(image, at_seconds)
