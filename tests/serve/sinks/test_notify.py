from __future__ import annotations

import base64
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rtaction.errors import MissingLibrary, UsageError
from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.sinks.notify import Notify, NotifySettings, text_of
from tests.serve.sinks.doubles import Room, record, view, wait_until
from tests.serve.sinks.receiver import Receiver

SOON = BackOff(first_seconds=0.01, longest_seconds=0.05)
Make = Callable[..., Notify]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    one.start()
    yield one
    one.end()


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes sinks that are closed after the test."""
    made: list[Notify] = []

    def notify(url: str, **settings: Any) -> Notify:
        given = {"url_env": "NOTIFY_URL", "min_interval_seconds": 0, **settings}
        made.append(Notify(NotifySettings(**given), url, back_off=SOON))
        Room(view()).open(made[-1])
        return made[-1]

    yield notify
    for one in made:
        one.close(1)


def address(receiver: Receiver) -> str:
    """Apprise's address of a server that takes JSON."""
    return f"json://us3r:pa$s-w0rd@127.0.0.1:{receiver.port}/p4th-s3cret"


def test_a_message_has_a_picture(receiver: Receiver, make: Make) -> None:
    notify = make(address(receiver))
    event = record(zones=("door",))
    notify.event(event, "start")
    notify.event(event, "end")
    wait_until(lambda: notify.view().num_sent == 1)
    notify.close(5)
    (request,) = receiver.accepted
    told = request.json
    assert told["title"] == "Front door: fall"
    assert told["message"] == text_of(event)
    (attachment,) = told["attachments"]
    assert attachment["mimetype"] == "image/jpeg"
    assert base64.b64decode(attachment["base64"]) == Room().shown
    assert (notify.view().name, notify.view().is_up) == ("notify json", True)


def test_only_what_was_asked_for_and_not_too_often(receiver: Receiver, make: Make) -> None:
    notify = make(
        address(receiver), labels=("fall",), title="Home", snapshot=False, min_interval_seconds=3600
    )
    for label in ("wave", "fall", "fall", "fall"):
        notify.event(record(label), "start")
    notify.close(5)
    (request,) = receiver.accepted
    assert request.json["title"] == "Home"
    assert not request.json["attachments"]
    assert (notify.view().num_sent, notify.view().num_missed) == (1, 0)


def test_a_message_says_how_many_had_none() -> None:
    event = replace(record("fall", zones=("door", "bed")), peak_score=0.875)
    at = event.started_at.astimezone()
    assert text_of(event, 3) == (
        f"fall, Front door, {at:%H:%M:%S} (88%); in door, bed; and 3 more since the last message"
    )


def test_a_service_that_fails_is_tried_again_at_last_without_picture(
    receiver: Receiver, make: Make
) -> None:
    receiver.faults = [500, 413]
    notify = make(address(receiver))
    notify.event(record(), "start")
    wait_until(lambda: notify.view().num_sent == 1)
    assert [len(one.json["attachments"]) for one in receiver.asked] == [1, 1, 0]


def test_what_cannot_be_told_is_counted_and_no_secret_shown(
    receiver: Receiver, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    receiver.faults = [500, 500, 503]
    notify = make(address(receiver))
    notify.event(record(), "start")
    wait_until(lambda: notify.view().num_missed == 1)
    assert notify.view().reason == "the service answers with status 503"
    receiver.end()
    notify.event(record(), "start")
    wait_until(lambda: notify.view().num_missed == 2)
    assert "cannot be reached" in notify.view().reason
    for secret in ("us3r", "w0rd", "p4th", "127.0.0.1"):
        assert secret not in caplog.text + repr(notify.view())


def test_mistakes_are_told_without_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_URL", "nothing://t0p-secret")
    with pytest.raises(UsageError, match="f: url_env: expected an address of Apprise") as error:
        Notify.from_table({"url_env": "NOTIFY_URL"}, "f")
    assert "t0p-secret" not in str(error.value)
    with pytest.raises(UsageError, match="url: a secret must not be in this file"):
        Notify.from_table({"url": "ntfy://t0p-secret"}, "f")
    with pytest.raises(UsageError, match="url_env: it is missing"):
        Notify.from_table({}, "f")
    with pytest.raises(UsageError, match="min_interval_seconds: expected 0 to"):
        Notify.from_table({"url_env": "NOTIFY_URL", "min_interval_seconds": -1}, "f")


def test_without_apprise_the_error_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingLibrary, match=r"install .*serve"):
        Notify(NotifySettings(url_env="X"), "json://localhost")
