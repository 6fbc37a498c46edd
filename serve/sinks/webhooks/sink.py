"""The sink that posts to one web server, see `rtaction.serve.sinks.webhooks`."""

from __future__ import annotations

import hashlib
import http.client
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import rtaction
from rtaction.environment import from_environment
from rtaction.errors import OutputError, UsageError
from rtaction.realtime.watching.back_off import BackOff
from rtaction.redaction import secrets_of
from rtaction.serve.house.house import House, SinkView
from rtaction.serve.house.record import EventRecord, Phase
from rtaction.serve.house.tables import read_table
from rtaction.serve.house.views import CameraView
from rtaction.serve.sinks.reasons import reason_of
from rtaction.serve.sinks.wanted import Wanted
from rtaction.serve.sinks.webhooks.message import SIGNATURE_HEADER, body_of, key_of, signature
from rtaction.serve.sinks.webhooks.outbox import Outbox
from rtaction.serve.sinks.webhooks.post import Answer, Receiver, post
from rtaction.serve.sinks.worker import Counts, Worker

_MAX_WAITING = 10_000
_BACK_OFF = BackOff(first_seconds=1.0, longest_seconds=300.0)
_AGAIN = (408, 425, 429)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """A table [[webhook]].

    Args:
        url, url_env: the address, or the environment variable that has it; one of them.
        secret_env: the environment variable with the secret for signatures. Default: none.
        cameras: names or ids of those whose events are posted. Default: all.
        labels: Default: all.
        phases: when: an event has started, ended, or has changed since. Default start and end.
        keep: what cannot be posted is kept on disk and posted later. Default True.
        max_waiting: what is kept at most; the oldest make room. Default 10,000.
        timeout_seconds: how long an answer may take. Default 10.
    """

    url: str | None = None
    url_env: str | None = None
    secret_env: str | None = None
    cameras: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    phases: tuple[Literal["start", "end", "change"], ...] = ("start", "end")
    keep: bool = True
    max_waiting: int = _MAX_WAITING
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        if (self.url is None) == (self.url_env is None):
            came = "neither" if self.url is None else "both"
            raise ValueError(f"expected either url or url_env, got {came}")
        if not self.phases:
            raise ValueError('phases: expected some of "start", "end" and "change"')
        if not 0 < self.timeout_seconds <= 600:
            raise ValueError("timeout_seconds: expected more than 0 and at most 600")
        if not 1 <= self.max_waiting <= 1_000_000:
            raise ValueError("max_waiting: expected 1 to 1,000,000")


class Webhook:
    """A `Sink` that posts events to one web server.

    Args:
        settings: see `WebhookSettings`.
        receiver: the address.
        secret: for signatures. Default None: there are none.
        queue: the SQLite file that keeps what waits. Default None: in memory.
        back_off: waits between attempts. Default: 1 s, doubled up to 5 minutes.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        receiver: Receiver,
        *,
        url: str,
        secret: bytes | None = None,
        queue: Path | None = None,
        back_off: BackOff = _BACK_OFF,
    ) -> None:
        self.settings = settings
        self.receiver_key = hashlib.sha256(url.encode()).hexdigest()[:32]
        self._receiver = receiver
        self._secret = secret
        self._queue = queue if settings.keep else None
        self._back_off = back_off
        self._wanted = Wanted(settings.cameras, settings.labels)
        self._outbox: Outbox | None = None
        self._counts = Counts(f"webhook {receiver}", secrets_of(url))
        self._sent_number = -1
        self._storing: Worker[tuple[EventRecord, Phase]] = Worker(
            "rtaction-webhook-queue", self._store, on_left_out=lambda item: self._counts.missed()
        )
        self._sending: Worker[None] = Worker("rtaction-webhook", self._send_all, max_waiting=1)

    @classmethod
    def from_table(cls, table: dict[str, Any], where: str, *, queue: Path | None = None) -> Webhook:
        """Make it of a table [[webhook]], see `WebhookSettings`.

        Raises:
            UsageError: a key is invalid, or an environment variable is not set.
        """
        settings = read_table(WebhookSettings, table, where)
        key = "url" if settings.url is not None else "url_env"
        url = settings.url or from_environment(
            settings.url_env or "", f"{where}: url_env", example="HOOK_URL"
        )
        secret = None
        if settings.secret_env is not None:
            secret = from_environment(
                settings.secret_env, f"{where}: secret_env", example="HOOK_SECRET"
            ).encode()
        try:
            receiver = Receiver.parse(url)
        except ValueError as error:
            raise UsageError(f"{where}: {key}: {error}") from None
        return cls(settings, receiver, url=url, secret=secret, queue=queue)

    @property
    def name(self) -> str:
        """For a person, without path, query and password."""
        return self._counts.name

    @name.setter
    def name(self, name: str) -> None:
        self._counts.name = name

    def open(self, house: House) -> None:
        """Begin, also with what an earlier run has left; in memory, if the disk cannot be used."""
        max_waiting = self.settings.max_waiting
        try:
            self._outbox = Outbox(self._queue, self.receiver_key, max_waiting=max_waiting)
        except OutputError as error:
            self._counts.failed(f"{error}; until the next start, what waits is kept in memory")
            self._queue = None
            self._outbox = Outbox(None, self.receiver_key, max_waiting=max_waiting)
        self._storing.start()
        self._sending.start()
        self._sending.put(None)

    def event(self, record: EventRecord, phase: Phase) -> None:
        """Post it, soon."""
        if phase in self.settings.phases and self._wanted.has(record):
            self._storing.put((record, phase))

    def camera(self, view: CameraView) -> None:
        """Nobody is told of cameras."""

    def camera_gone(self, camera: str) -> None:
        """Nobody is told of cameras."""

    def view(self) -> SinkView:
        """How it is."""
        kept = 0 if self._outbox is None else len(self._outbox)
        return self._counts.view(self._storing.num_waiting + kept)

    def close(self, timeout_seconds: float) -> None:
        """Post what can be posted in this time; the rest stays on disk for the next run."""
        ends_at = time.monotonic() + timeout_seconds
        self._counts.missed(len(self._storing.close(timeout_seconds / 2)))
        self._sending.close(ends_at - time.monotonic())
        if self._outbox is not None and not self._sending.is_alive:
            if self._queue is None:
                self._counts.missed(len(self._outbox))
            self._outbox.close()

    def _store(self, item: tuple[EventRecord, Phase]) -> None:
        record, phase = item
        assert self._outbox is not None
        body = body_of(record, phase)
        try:
            self._counts.missed(self._outbox.put(key_of(record, phase, body), body))
        except OutputError as error:
            self._counts.missed()
            self._counts.failed(str(error))
        self._sending.put(None)

    def _send_all(self, _: None) -> None:
        """Post what waits, in order, until nothing does, or the first failure while closing."""
        assert self._outbox is not None
        num_failures = 0
        while True:
            try:
                wait_seconds = self._send_first(self._outbox, num_failures + 1)
            except OutputError as error:
                self._counts.failed(str(error))
                wait_seconds = self._back_off.wait_seconds(num_failures + 1)
            if wait_seconds is None:
                return
            num_failures = num_failures + 1 if wait_seconds else 0
            if wait_seconds and not self._sending.pause(wait_seconds):
                return

    def _send_first(self, outbox: Outbox, num_failures: int) -> float | None:
        """Post the one that has waited longest.

        Returns:
            How long to wait before the next attempt; None if nothing waits.
        """
        waiting = outbox.first()
        if waiting is None:
            return None
        # It was sent, and then the disk was full.
        if waiting.number != self._sent_number:
            answer = self._attempt(waiting.key, waiting.body)
            is_done = answer is not None and 200 <= answer.status < 300
            is_refused = (
                answer is not None and 400 <= answer.status < 500 and answer.status not in _AGAIN
            )
            if is_done:
                self._counts.sent()
            elif is_refused or not self.settings.keep:
                self._counts.missed()
            else:
                asked = None if answer is None else answer.retry_after_seconds
                return max(asked or 0.0, self._back_off.wait_seconds(num_failures))
            self._sent_number = waiting.number
        outbox.remove(waiting)
        return 0.0

    def _attempt(self, key: str, body: bytes) -> Answer | None:
        """Post once; None if there is no answer."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"rtaction/{rtaction.__version__}",
            "Idempotency-Key": key,
        }
        if self._secret is not None:
            headers[SIGNATURE_HEADER] = signature(self._secret, int(time.time()), body)
        try:
            answer = post(
                self._receiver, body, headers, timeout_seconds=self.settings.timeout_seconds
            )
        except (OSError, http.client.HTTPException) as error:
            self._counts.failed(reason_of(error))
            return None
        if not 200 <= answer.status < 300:
            self._counts.failed(_reason(answer.status))
        return answer


def _reason(status: int) -> str:
    if 300 <= status < 400:
        return f"it answers with a redirect ({status}), which is not followed; use its new address"
    if status in (401, 403):
        return f"it refuses what is posted ({status}); check the address and the secret"
    return f"it answers with status {status}"
