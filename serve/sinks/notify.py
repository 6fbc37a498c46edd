"""Events told to phones and chats, by Apprise: ntfy, Telegram, Signal, mail and a hundred others.

Addresses of Apprise (https://appriseit.com/services/) consist of secrets, so that they come from an
environment variable, and nothing of them but the name of the service is ever displayed.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtaction.environment import from_environment
from rtaction.errors import UsageError, extra_missing
from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.house.house import House, SinkView
from rtaction.serve.house.record import EventRecord, Phase
from rtaction.serve.house.tables import read_table
from rtaction.serve.house.views import CameraView
from rtaction.serve.sinks.snapshots import snapshot_of
from rtaction.serve.sinks.wanted import Wanted
from rtaction.serve.sinks.worker import Counts, Worker

if TYPE_CHECKING:
    from apprise import NotifyBase

_ATTEMPTS = 3
_MAX_WAITING = 100
_BACK_OFF = BackOff(first_seconds=2.0, longest_seconds=30.0)
_TALKATIVE = ("apprise", "urllib3.connectionpool")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """A table [[notify]].

    Args:
        url_env: the environment variable with Apprise's address of a service.
        cameras: names or ids of those whose events are told. Default: all.
        labels: Default: all.
        title: of each message. Default: the camera's name and the label.
        snapshot: a picture goes along, where the service takes one. Default True.
        min_interval_seconds: there is at most one message in this time; the next says how many
            events were left out. Default 30.
    """

    url_env: str
    cameras: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    title: str | None = None
    snapshot: bool = True
    min_interval_seconds: float = 30.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_interval_seconds <= 86_400:
            raise ValueError("min_interval_seconds: expected 0 to 86,400")


class Notify:
    """A `Sink` that tells of events as they start.

    Args:
        settings: see `NotifySettings`.
        url: Apprise's address.
        back_off: waits between the three attempts for a message.

    Raises:
        ValueError: it is no address of Apprise; the message does not repeat it.
        MissingLibrary: Apprise is not installed.
    """

    def __init__(
        self, settings: NotifySettings, url: str, *, back_off: BackOff = _BACK_OFF
    ) -> None:
        self._settings = settings
        self._wanted = Wanted(settings.cameras, settings.labels)
        self._back_off = back_off
        _silence.begin()
        self._service = _service(url)
        self._counts = Counts(f"notify {url.partition(':')[0].lower()}")
        self._house: House | None = None
        self._told_seconds: float | None = None
        self._num_left_out = 0
        self._worker: Worker[EventRecord] = Worker(
            "rtaction-notify",
            self._tell,
            max_waiting=_MAX_WAITING,
            on_left_out=lambda record: self._counts.missed(),
        )

    @classmethod
    def from_table(cls, table: dict[str, Any], where: str) -> Notify:
        """Make it of a table [[notify]], see `NotifySettings`.

        Raises:
            UsageError: a key is invalid, the environment variable is not set, or what it has is no
                address of Apprise.
            MissingLibrary: Apprise is not installed.
        """
        settings = read_table(NotifySettings, table, where)
        url = from_environment(settings.url_env, f"{where}: url_env", example="NTFY_URL")
        try:
            return cls(settings, url)
        except ValueError as error:
            raise UsageError(f"{where}: url_env: {error}") from None

    @property
    def name(self) -> str:
        """For a person: the name of the service."""
        return self._counts.name

    @name.setter
    def name(self, name: str) -> None:
        self._counts.name = name

    def open(self, house: House) -> None:
        """Begin."""
        self._house = house
        self._worker.start()

    def event(self, record: EventRecord, phase: Phase) -> None:
        """Tell of it, soon, if it has started."""
        if phase == "start" and self._wanted.has(record):
            self._worker.put(record)

    def camera(self, view: CameraView) -> None:
        """Nobody is told of cameras."""

    def camera_gone(self, camera: str) -> None:
        """Nobody is told of cameras."""

    def view(self) -> SinkView:
        """How it is; what was left out because of `min_interval_seconds` counts as nothing."""
        return self._counts.view(self._worker.num_waiting)

    def close(self, timeout_seconds: float) -> None:
        """Tell what can be told in this time."""
        self._counts.missed(len(self._worker.close(timeout_seconds)))

    def _tell(self, record: EventRecord) -> None:
        assert self._house is not None
        now_seconds = time.monotonic()
        interval_seconds = self._settings.min_interval_seconds
        if self._told_seconds is not None and now_seconds - self._told_seconds < interval_seconds:
            self._num_left_out += 1
            return
        picture = snapshot_of(self._house, record) if self._settings.snapshot else None
        for attempt in range(1, _ATTEMPTS + 1):
            # A picture may be what the service does not take.
            if self._send(record, picture if attempt < _ATTEMPTS else None):
                self._told_seconds, self._num_left_out = time.monotonic(), 0
                self._counts.sent()
                return
            self._counts.failed(_silence.reason())
            if attempt == _ATTEMPTS or not self._worker.pause(self._back_off.wait_seconds(attempt)):
                break
        self._counts.missed()

    def _send(self, record: EventRecord, picture: bytes | None) -> bool:
        attachment = None if picture is None else _attachment(f"{record.id}.jpg", picture)
        title = self._settings.title or f"{record.camera_name}: {record.label}"
        body = text_of(record, self._num_left_out)
        try:
            # Apprise itself would do it in a thread of its own.
            return bool(self._service.notify(body=body, title=title, attach=attachment))
        except Exception:  # of a service's own code; its text may hold the address
            return False


def text_of(record: EventRecord, num_left_out: int = 0) -> str:
    """What a message says of an event.

    Args:
        record: the event.
        num_left_out: events since the last message that there was none for.
    """
    at = record.started_at.astimezone()
    parts = [f"{record.label}, {record.camera_name}, {at:%H:%M:%S} ({record.peak_score:.0%})"]
    if record.zones:
        parts.append(f"in {', '.join(record.zones)}")
    if num_left_out:
        parts.append(f"and {num_left_out} more since the last message")
    return "; ".join(parts)


class _Silence(logging.Filter):
    """Keeps Apprise and what it uses out of all logs, as they would repeat the address.

    Of what they say, only the status of HTTP is kept, for the thread in which they say it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_thread = threading.local()

    def begin(self) -> None:
        """Be silent from now on."""
        for name in _TALKATIVE:
            logging.getLogger(name).addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            said = record.getMessage()
        except (TypeError, ValueError):  # its text does not fit its values
            return False
        if found := re.search(r"error=(\d{3,5})\b", said):
            self._of_thread.status = found[1]
        return False

    def reason(self) -> str:
        """Why the last message of this thread failed."""
        status = getattr(self._of_thread, "status", None)
        self._of_thread.status = None
        if status is None:
            return "the service cannot be reached, or does not take the message"
        return f"the service answers with status {status}"


_silence = _Silence()


def _service(url: str) -> NotifyBase:
    try:
        import apprise
    except ImportError as error:
        raise extra_missing("[[notify]]", "serve", error) from None
    service = apprise.Apprise.instantiate(url.strip())
    if service is None:
        raise ValueError(
            "expected an address of Apprise, such as ntfys://host/topic; see "
            "https://appriseit.com/services/"
        )
    return service


def _attachment(name: str, jpeg: bytes) -> Any:
    from apprise import AppriseAttachment
    from apprise.attachment.memory import AttachMemory

    make: Any = AttachMemory  # it has no types
    return AppriseAttachment(make(content=jpeg, name=name, mimetype="image/jpeg"))
