"""Clips and snapshots of the events of `rtaction serve`.

Pictures of each camera are kept for some seconds, as JPEGs of the frames that are watched, or, if
that is wished, as the packets of a stream that nobody has decoded. An event makes a clip of them,
and a snapshot. Threads of their own write, so that a slow or full disk delays nothing.

A clip is an .mp4 in fragments: it plays while it is written, and after the process was killed.
Names are `<UTC time>_<camera>_<label>_<end of the event's id>`, of .mp4 and .jpg alike.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from rtaction.errors import OutputError
from rtaction.frame import FrameDamaged, FrameLike
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.outputs.clips.clip_file import ClipFile
from rtaction.realtime.outputs.clips.clip_writer import ClipWriter, Written
from rtaction.realtime.outputs.clips.event_clips import EventClips, require_writable
from rtaction.realtime.sources.stream_packets import StreamPacket
from rtaction.serve.clips.camera_media import CameraMedia, KnownEvent
from rtaction.serve.clips.event_file import EventFile, comment_for, stem_of
from rtaction.serve.clips.options import ClipOptions
from rtaction.serve.clips.packet_file import CODINGS, Look, PacketFile
from rtaction.serve.clips.recorder import Recorder
from rtaction.serve.clips.snapshot import SnapshotFile
from rtaction.serve.house.record import EventRecord

CLOSE_TIMEOUT_SECONDS = 2.0
# Where packets make the clips, frames serve for snapshots, and for clips while no packets come.
_FRAMES_BESIDE_PACKETS_PER_SECOND = 4.0
_MOST_BYTES_OF_SNAPSHOTS = 16_000_000
_log = logging.getLogger(__name__)

OnDone = Callable[[str, str | None, str | None], None]


class Media:
    """Keeps clips and snapshots of events.

    Frames, packets and events of a camera have their times on one clock: that of
    `FrameLike.captured_at_seconds`, which for live sources is `time.monotonic`.

    Args:
        folder: of the files; created if missing.
        options: what is kept.
        on_done: called with an event's id and the names of a clip and a snapshot of it that are
            complete; one of the two is None. It is called on a thread that writes, and must not
            take long.
        max_delay_seconds: how long after its start an event is reported at most. Default 5.0.

    Raises:
        OutputError: the folder cannot be created or written to.
    """

    def __init__(
        self,
        folder: Path,
        options: ClipOptions,
        on_done: OnDone,
        *,
        max_delay_seconds: float = 5.0,
    ) -> None:
        require_writable(folder, "clips")
        self._folder = folder
        self._options = options
        self._on_done = on_done
        self._pictures = self._kept(max_delay_seconds)
        self._packets = self._kept(max_delay_seconds)
        self._snapshots = ClipWriter(_MOST_BYTES_OF_SNAPSHOTS)
        self._cameras: dict[str, CameraMedia] = {}
        self._open: set[str] = set()
        self._numbers = count(1)
        self._lock = threading.Lock()

    @property
    def num_dropped(self) -> int:
        """Pieces that are missing from files because they could not be written, or not in time."""
        writers = (self._pictures, self._packets, self._snapshots)
        return sum(writer.num_dropped for writer in writers)

    def add_camera(
        self,
        camera: str,
        *,
        record: Camera | None = None,
        gives_packets: bool = False,
        look: Look | None = None,
    ) -> None:
        """Say where a camera's clips come from; one that is not named here has clips of its frames.

        Args:
            camera: its id.
            record: a stream of its own to be recorded, which is read from now on. Default None.
            gives_packets: `packet` will be called with those of the stream that is watched. Default
                False.
            look: what may be seen of the pictures of these packets, such as with masks; then they
                are decoded and encoded anew, for events only. Default None: all.

        Raises:
            UsageError: such a stream cannot be recorded.
        """
        self.remove_camera(camera)
        state = CameraMedia(look, has_packets=record is not None or gives_packets)
        with self._lock:
            self._cameras[camera] = state
        if record is not None:
            state.recorder = Recorder(
                record,
                lambda packet: self.packet(camera, packet),
                lambda: self._packets.forget(camera),
            )

    def remove_camera(self, camera: str) -> None:
        """A camera is no longer watched: its clips end."""
        with self._lock:
            state = self._cameras.pop(camera, None)
        if state is not None and state.recorder is not None:
            state.recorder.close()
        self._pictures.forget(camera)
        self._packets.forget(camera)

    def interrupt(self, camera: str) -> None:
        """A camera gives no pictures for now: clips end with those that came."""
        self._pictures.forget(camera)
        self._packets.forget(camera)

    def frame(self, camera: str, frame: FrameLike) -> None:
        """Take a frame, on the thread that has read it; it is encoded there, if it is kept.

        That takes 0.7 ms at 640x480 and 1.8 ms at 1280x720, at most ten times a second.
        """
        state = self._camera(camera)
        rate = self._options.frames_per_second
        if state.has_packets:
            rate = min(rate, _FRAMES_BESIDE_PACKETS_PER_SECOND)
        at_seconds = frame.captured_at_seconds
        if not state.is_due(at_seconds, rate):
            return
        try:
            self._pictures.add_frame(camera, frame.image, at_seconds)
        except FrameDamaged:
            return  # whoever needs it counts it

    def packet(self, camera: str, packet: StreamPacket) -> None:
        """Take a packet of the stream that is watched, on the thread that has read it."""
        state = self._camera(camera)
        if packet.connection != state.connection:
            state.connection = packet.connection
            self._packets.forget(camera)
        self._packets.add(camera, packet)

    def event(
        self,
        record: EventRecord,
        *,
        start_seconds: float,
        end_seconds: float | None = None,
        seen_seconds: float | None = None,
    ) -> None:
        """Take an event, at its start and again at its end; it never waits.

        Args:
            record: what is known of it now.
            start_seconds: when it started, on the clock of the camera's frames.
            end_seconds: when it ended. Default None: it goes on.
            seen_seconds: when they were seen who are in the record's box. Default None: when the
                newest frame came.
        """
        state = self._camera(record.camera)
        known = state.events.get(record.id)
        if known is None:
            if end_seconds is not None:
                return  # its camera came and went
            # Where packets do not come yet, or no longer, the frames will do.
            has_packets = state.has_packets and self._packets.nearest(record.camera) is not None
            known = state.events[record.id] = KnownEvent(next(self._numbers), has_packets)
            if self._options.snapshots:
                self._take_snapshot(record, seen_seconds)
        if end_seconds is not None:
            del state.events[record.id]
        if not self._options.clips:
            return
        told = ActionEvent(
            *(record.camera, record.label, start_seconds, end_seconds),
            *(record.peak_score, known.number, record.person, record.box),
        )
        clips = self._packets if known.has_packets else self._pictures
        clips.add_event(told, lambda _: self._clip(record, start_seconds, known, state.look))

    def is_writing(self, name: str) -> bool:
        """Whether a file of this name is being written."""
        with self._lock:
            return any(name.startswith(stem) for stem in self._open)

    def left_of(self, record: EventRecord) -> tuple[str | None, str | None]:
        """Names of the clip and the snapshot that there are of an event, such as after the process
        was killed before it could say so; None for what there is not."""
        stem = stem_of(record)
        clip, snapshot = (
            name if _has_content(self._folder / name) else None
            for name in (f"{stem}.mp4", f"{stem}.jpg")
        )
        return clip, snapshot

    def recorder(self, camera: str) -> Recorder | None:
        """The one who reads the stream that is recorded of a camera, to ask how that is."""
        return self._camera(camera).recorder

    def close(self, timeout_seconds: float = CLOSE_TIMEOUT_SECONDS) -> None:
        """Finish what is open, in at most about this time. Closing twice does nothing."""
        with self._lock:
            states = list(self._cameras.values())
        for state in states:
            if state.recorder is not None:
                state.recorder.close()
        until_seconds = time.monotonic() + timeout_seconds
        for writer in (self._pictures, self._packets, self._snapshots):
            try:
                writer.close(max(until_seconds - time.monotonic(), 0.0))
            except OutputError as error:
                _log.warning("%s", error)

    def _kept(self, max_delay_seconds: float) -> EventClips:
        options = self._options
        return EventClips(
            None,
            pre_roll_seconds=options.pre_roll_seconds,
            post_roll_seconds=options.post_roll_seconds,
            max_seconds=options.max_seconds,
            max_delay_seconds=max_delay_seconds,
        )

    def _camera(self, camera: str) -> CameraMedia:
        with self._lock:
            return self._cameras.setdefault(camera, CameraMedia(None, has_packets=False))

    def _take_snapshot(self, record: EventRecord, seen_seconds: float | None) -> None:
        picture = self._pictures.nearest(record.camera, seen_seconds)
        if picture is None:
            return
        file = SnapshotFile(
            self._folder / f"{stem_of(record)}.jpg",
            label=record.label,
            score=record.peak_score,
            person=record.person,
            box=record.box,
        )
        told = EventFile(file, lambda name: self._say(record.id, snapshot=name))
        if self._snapshots.put(told, picture):
            self._snapshots.put(told, None)

    def _clip(
        self, record: EventRecord, start_seconds: float, known: KnownEvent, look: Look | None
    ) -> Written[Any]:
        stem = stem_of(record)
        uses_hardware = self._options.encoder == "auto"
        comment = comment_for(start_seconds)
        file: ClipFile | PacketFile
        if known.has_packets:
            file = PacketFile(
                *(self._folder, stem, look),
                codings=CODINGS if self._options.h265 == "keep" else CODINGS[:1],
                frames_per_second=self._options.frames_per_second,
                uses_hardware=uses_hardware,
                comment=comment,
            )
        else:
            file = ClipFile(self._folder, stem, "mp4", uses_hardware=uses_hardware, comment=comment)
        with self._lock:
            self._open.add(stem)

        def done(name: str | None) -> None:
            with self._lock:
                self._open.discard(stem)
            self._say(record.id, clip=name)

        return EventFile(file, done)

    def _say(self, event: str, *, clip: str | None = None, snapshot: str | None = None) -> None:
        if clip is None and snapshot is None:
            return
        try:
            self._on_done(event, clip, snapshot)
        except Exception:  # whoever is told, the next file is written
            _log.exception("a file of an event is there, but who is told of it fails")


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
