from __future__ import annotations

import hashlib
import hmac
import logging
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import OutputError, UsageError
from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.sinks.webhooks.outbox import Outbox, Waiting
from rtaction.serve.sinks.webhooks.post import Receiver as Address
from rtaction.serve.sinks.webhooks.sink import Webhook, WebhookSettings
from tests.project import ROOT
from tests.serve.sinks.doubles import Room, ended, record, wait_until
from tests.serve.sinks.receiver import Receiver, babble, cut, drip, hang

SOON = BackOff(first_seconds=0.01, longest_seconds=0.05)
Make = Callable[..., Webhook]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    one.start()
    yield one
    one.end()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes webhooks that are closed after the test."""
    made: list[Webhook] = []

    def webhook(url: str, *, secret: bytes | None = None, **settings: Any) -> Webhook:
        made.append(
            Webhook(
                WebhookSettings(**{"url": url, "timeout_seconds": 1.5, **settings}),
                Address.parse(url),
                url=url,
                secret=secret,
                queue=tmp_path / "queue.sqlite",
                back_off=SOON,
            )
        )
        Room().open(made[-1])
        return made[-1]

    yield webhook
    for one in made:
        one.close(1)


def verify(secret: bytes, header: str, body: bytes, *, now: float) -> None:
    """What a receiver would write, from the documented words alone."""
    fields = dict(one.split("=", 1) for one in header.split(","))
    assert abs(now - int(fields["t"])) < 300
    signed = fields["t"].encode() + b"." + body
    expected = hmac.new(secret, signed, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(expected, fields["v1"])


def test_an_event_is_posted_and_signed(receiver: Receiver, make: Make) -> None:
    webhook = make(receiver.url("/hook?room=1"), secret=b"key")
    event = record()
    webhook.event(event, "start")
    webhook.event(event, "change")
    webhook.event(ended(event), "end")
    wait_until(lambda: len(receiver.accepted) >= 2)
    first, second = receiver.accepted
    assert first.path == "/hook?room=1"
    assert first.json == {
        "type": "event",
        "schema_version": 1,
        "phase": "start",
        "event": event.to_dict(),
    }
    assert (second.json["phase"], second.json["event"]["id"]) == ("end", event.id)
    assert first.headers["Idempotency-Key"] == f"{event.id}-start"
    assert second.headers["Idempotency-Key"] == f"{event.id}-end"
    verify(b"key", first.headers["X-Rtaction-Signature"], first.body, now=time.time())
    with pytest.raises(AssertionError):
        verify(b"key", first.headers["X-Rtaction-Signature"], first.body + b" ", now=time.time())
    wait_until(lambda: webhook.view().num_sent == 2)
    assert (webhook.view().is_up, webhook.view().num_waiting) == (True, 0)


def test_only_what_was_asked_for(receiver: Receiver, make: Make) -> None:
    webhook = make(
        receiver.url(), cameras=("Front door", "yard"), labels=("fall",), phases=("change",)
    )
    wanted = [record("fall"), record("fall", "yard")]
    for one in (*wanted, record("wave"), record("fall", "garage")):
        webhook.event(one, "start")
        webhook.event(one, "change")
    webhook.event(replace(wanted[0], verdict="right"), "change")
    wait_until(lambda: len(receiver.accepted) >= 3)
    assert [one.json["event"]["id"] for one in receiver.accepted] == [
        *(one.id for one in wanted),
        wanted[0].id,
    ]
    assert len({one.headers["Idempotency-Key"] for one in receiver.accepted}) == 3


def test_through_all_faults_nothing_is_lost_or_out_of_order(receiver: Receiver, make: Make) -> None:
    """What is taken while the receiver ends, and so is not answered, comes once more."""
    receiver.faults = [
        *(500, 503, cut, 200, hang(2.0), 429, 408, babble, drip, 200),
        *((302, {"Location": "http://127.0.0.1:1/stolen"}), (429, {"Retry-After": "0"}), 502),
    ]
    webhook = make(receiver.url(), secret=b"key")
    events = [record() for _ in range(20)]
    for one in events:
        webhook.event(one, "start")
    wait_until(lambda: len(receiver.asked) > 12)
    receiver.end()
    events += [record() for _ in range(20)]
    for one in events[20:]:
        webhook.event(one, "start")
    wait_until(lambda: "nothing listens" in webhook.view().reason)
    receiver.start()
    wait_until(lambda: webhook.view().num_sent == 40)
    came = [one.json["event"]["id"] for one in receiver.accepted]
    assert list(dict.fromkeys(came)) == [one.id for one in events]
    assert len(came) <= len(events) + 1
    for asked in receiver.asked:
        verify(b"key", asked.headers["X-Rtaction-Signature"], asked.body, now=time.time())
    assert (webhook.view().num_missed, webhook.view().num_waiting) == (0, 0)


def test_what_is_refused_is_not_tried_again(
    receiver: Receiver, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.faults = [404, 404, 401]
    webhook = make(receiver.url())
    for _ in range(4):
        webhook.event(record(), "start")
    wait_until(lambda: webhook.view().num_sent == 1)
    assert webhook.view().num_missed == 3
    assert len(receiver.asked) == 4
    assert caplog.text.count("404") == 1


def test_the_receiver_says_when_to_come_again(receiver: Receiver, make: Make) -> None:
    receiver.faults = [(503, {"Retry-After": "1"})]
    webhook = make(receiver.url())
    webhook.event(record(), "start")
    wait_until(lambda: len(receiver.asked) >= 1)
    began = time.monotonic()
    wait_until(lambda: len(receiver.accepted) >= 1)
    assert time.monotonic() - began > 0.8


def test_without_keep_each_is_tried_once(receiver: Receiver, make: Make, tmp_path: Path) -> None:
    receiver.faults = [500]
    webhook = make(receiver.url(), keep=False)
    for _ in range(3):
        webhook.event(record(), "start")
    wait_until(lambda: webhook.view().num_sent == 2)
    assert webhook.view().num_missed == 1
    assert len(receiver.asked) == 3
    assert not (tmp_path / "queue.sqlite").exists()


def test_the_oldest_make_room(receiver: Receiver, make: Make) -> None:
    receiver.end()
    webhook = make(receiver.url(), max_waiting=5)
    events = [record() for _ in range(12)]
    for one in events:
        webhook.event(one, "start")
    wait_until(lambda: (webhook.view().num_waiting, webhook.view().num_missed) == (5, 7))
    receiver.start()
    wait_until(lambda: webhook.view().num_sent == 5)
    assert [one.json["event"]["id"] for one in receiver.accepted] == [one.id for one in events[7:]]


def test_what_waits_outlives_the_process(receiver: Receiver, make: Make, tmp_path: Path) -> None:
    receiver.end()
    script = f"""
        import sys, time
        from pathlib import Path
        from rtaction.serve.sinks.webhooks.sink import Webhook
        from tests.serve.sinks.doubles import Room, record, wait_until
        table = {{"url": {receiver.url()!r}}}
        webhook = Webhook.from_table(table, "here", queue=Path({str(tmp_path / "queue.sqlite")!r}))
        Room().open(webhook)
        events = [record() for _ in range(30)]
        for one in events:
            webhook.event(one, "start")
        wait_until(lambda: webhook._storing.num_waiting == 0)
        print(*(one.id for one in events), flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ids = process.stdout.readline().split()
    process.kill()  # SIGKILL
    process.wait()
    process.stdout.close()
    assert len(ids) == 30
    receiver.start()
    webhook = make(receiver.url())
    webhook.event(record(id="new"), "start")
    wait_until(lambda: webhook.view().num_sent == 31)
    assert [one.json["event"]["id"] for one in receiver.accepted] == [*ids, "new"]


def test_close_posts_what_waits_and_keeps_the_rest(
    receiver: Receiver, make: Make, tmp_path: Path
) -> None:
    webhook = make(receiver.url())
    for _ in range(20):
        webhook.event(record(), "start")
    webhook.close(10)
    assert len(receiver.accepted) == 20
    receiver.end()
    down = make(receiver.url())
    down.event(record(), "start")
    down.close(2)
    assert (down.view().num_waiting, down.view().num_missed) == (1, 0)
    receiver.start()
    make(receiver.url())
    wait_until(lambda: len(receiver.accepted) >= 21)


def test_without_a_disk_it_goes_on_in_memory(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    url = receiver.url()
    webhook = Webhook.from_table({"url": url}, "here", queue=tmp_path / "file" / "queue.sqlite")
    Room().open(webhook)
    assert "cannot be written" in webhook.view().reason
    webhook.event(record(), "start")
    wait_until(lambda: len(receiver.accepted) >= 1)
    webhook.close(1)


def test_a_disk_that_is_full_makes_no_event_come_twice(
    receiver: Receiver, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, faults = Outbox.remove, [OutputError("no room"), OutputError("no room")]

    def fails_twice(outbox: Outbox, waiting: Waiting) -> None:
        if faults:
            raise faults.pop()
        remove(outbox, waiting)

    monkeypatch.setattr(Outbox, "remove", fails_twice)
    webhook = make(receiver.url())
    events = [record(), record()]
    for one in events:
        webhook.event(one, "start")
    wait_until(lambda: webhook.view().num_sent == 2 and webhook.view().num_waiting == 0)
    assert [one.json["event"]["id"] for one in receiver.asked] == [one.id for one in events]


def test_no_secret_of_the_address_is_shown(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one = Receiver()
    rest = "/api/p4th-s3cret?token=qu3ry-s3cret"
    url = f"http://us3r:pa%24s-w0rd@127.0.0.1:{one.port}{rest}"
    webhook = make(url, secret=b"h4sh-s3cret")
    webhook.event(record(), "start")
    wait_until(lambda: webhook.view().is_up is False)
    one.faults = [500, 302, 404]
    one.start()
    webhook.event(record(), "start")
    webhook.event(record(), "end")
    wait_until(lambda: webhook.view().num_sent == 2)
    one.end()
    assert one.accepted[0].headers["Authorization"] == "Basic dXMzcjpwYSRzLXcwcmQ="
    assert one.accepted[0].path == rest
    shown = caplog.text + repr(webhook.view()) + repr(vars(webhook)["_receiver"])
    assert webhook.view().name == f"webhook http://127.0.0.1:{one.port}"
    for secret in ("us3r", "w0rd", "p4th", "qu3ry", "h4sh"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({}, "expected either url or url_env, got neither"),
        ({"url": "https://a", "url_env": "B"}, "expected either url or url_env, got both"),
        ({"url": "ftp://me:t0p-secret@a"}, "url: expected an address such as https://"),
        ({"url": "https://"}, "url: expected an address such as https://"),
        ({"url": "https://a:t0p-secret/"}, "url: expected an address such as https://"),
        ({"url": "http://me:12/t0p-secret@a"}, "url: it has an @ after its host; write @ as %40"),
        ({"url": "http://me:a@t0p-secret/b@a/"}, "url: it has an @ after its host; write @ as"),
        ({"url": "http://me:a@%t0p-secret/b"}, "url: expected an address such as https://"),
        ({"url": 12}, "url: expected text in quotes"),
        ({"url_env": "NO_SUCH_THING"}, "url_env: the environment variable NO_SUCH_THING is not"),
        ({"url": "https://a", "secret": "t0p-secret"}, "secret: a secret must not be in this"),
        ({"url": "https://a", "secret_env": "t0p-secret"}, "secret_env: the environment variable"),
        ({"url": "https://a", "phases": ["begin"]}, "phases: expected a list, each one of start,"),
        ({"url": "https://a", "phases": []}, 'phases: expected some of "start"'),
        ({"url": "https://a", "timeout_seconds": 0}, "timeout_seconds: expected more than 0"),
        ({"url": "https://a", "camera": "x"}, "unknown key 'camera'; expected one of url"),
    ],
)
def test_a_mistake_is_told_without_its_secret(table: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        Webhook.from_table(table, "f, webhook 1")
    assert f"f, webhook 1: {told}" in str(error.value)
    assert "t0p-secret" not in str(error.value)
