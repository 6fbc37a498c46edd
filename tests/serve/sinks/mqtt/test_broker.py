from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.sinks.mqtt.account import Account
from rtaction.serve.sinks.mqtt.broker import LOST, TAKEN, Broker, Listener
from tests.serve.sinks.doubles import wait_until
from tests.serve.sinks.mosquitto import Mosquitto

SOON = BackOff(first_seconds=0.05, longest_seconds=0.1)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    one = Mosquitto(tmp_path)
    yield one
    one.end()


@pytest.fixture
def downs() -> list[str]:
    return []


def connected(port: int, downs: list[str], client_id: str = "one") -> Broker:
    account = Account(
        host="127.0.0.1", port=port, client_id=client_id, keepalive_seconds=1, answer_seconds=0.5
    )
    listener = Listener(
        up=lambda: None, down=downs.append, message=lambda topic, payload, was_retained: None
    )
    broker = Broker(account, ("test/status", b"offline"), listener, back_off=SOON)
    broker.start()
    return broker


def test_a_broker_that_hangs_is_left_and_found_again(
    mosquitto: Mosquitto, downs: list[str]
) -> None:
    broker = connected(mosquitto.port, downs)
    wait_until(lambda: broker.is_up)
    outcomes: list[str] = []

    def publish() -> bool:
        return broker.publish("a", b"b", qos=1, is_retained=False, then=outcomes.append)

    assert publish()
    wait_until(lambda: outcomes == [TAKEN])
    mosquitto.stop()
    assert publish()
    wait_until(lambda: "it no longer answers" in downs)
    assert outcomes == [TAKEN, LOST]
    assert not publish()
    wait_until(lambda: any("says nothing" in reason for reason in downs))
    mosquitto.go_on()
    wait_until(lambda: broker.is_up)
    broker.close(1)


def test_two_with_one_client_id_are_told_so(mosquitto: Mosquitto, downs: list[str]) -> None:
    first = connected(mosquitto.port, downs)
    wait_until(lambda: first.is_up)
    second = connected(mosquitto.port, [])
    wait_until(lambda: any("client_id" in reason for reason in downs))
    for one in (second, first):
        one.close(0.1)
