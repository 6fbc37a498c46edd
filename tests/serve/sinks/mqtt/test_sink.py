from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import MissingLibrary
from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.sinks.mqtt.settings import MqttSettings
from rtaction.serve.sinks.mqtt.sink import Mqtt
from tests.project import ROOT
from tests.serve.sinks.certificate import made_certificate
from tests.serve.sinks.doubles import Room, ended, jpeg, record, view, wait_until
from tests.serve.sinks.mosquitto import PASSWORD, USER, Mosquitto, Onlooker, free_port

SOON = BackOff(first_seconds=0.05, longest_seconds=0.2, lasting_seconds=0.05)
ANNOUNCED = "homeassistant/device/rtaction_front_door/config"
Make = Callable[..., Mqtt]


@pytest.fixture(scope="module")
def one_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    yield broker
    broker.end()


@pytest.fixture
def broker(one_broker: Mosquitto) -> Mosquitto:
    """One that has nothing retained."""
    one_broker.end()
    one_broker.start()
    return one_broker


@pytest.fixture
def onlooker(broker: Mosquitto) -> Iterator[Onlooker]:
    one = Onlooker(broker.port)
    yield one
    one.close()


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes sinks that are closed after the test."""
    made: list[Mqtt] = []

    def mqtt(port: int, **settings: Any) -> Mqtt:
        table = {"host": "127.0.0.1", "port": port, "client_id": f"test-{len(made)}"}
        settings = {**table, **settings}
        made.append(Mqtt(MqttSettings(**settings), "cameras.toml, mqtt", back_off=SOON))
        return made[-1]

    yield mqtt
    for one in made:
        one.close(0.5)


def test_states_labels_and_events_are_told(
    broker: Mosquitto, onlooker: Onlooker, make: Make
) -> None:
    room, sink = Room(view()), make(broker.port)
    room.open(sink)
    wait_until(lambda: onlooker.now.get("rtaction/front-door/wave") == b"OFF")
    assert onlooker.now["rtaction/status"] == b"online"
    assert onlooker.now["rtaction/front-door/enabled"] == b"ON"
    state = json.loads(onlooker.now["rtaction/front-door/state"])
    assert (state["name"], state["state"], state["labels"][0]) == ("Front door", "ok", "fall")

    event = record("fall")
    sink.event(event, "start")
    wait_until(lambda: "rtaction/front-door/snapshot" in onlooker.now)
    assert onlooker.now["rtaction/front-door/fall"] == b"ON"
    assert onlooker.now["rtaction/front-door/wave"] == b"OFF"
    assert onlooker.now["rtaction/front-door/snapshot"] == room.shown
    sink.event(ended(event), "end")
    wait_until(lambda: len(onlooker.history["rtaction/events"]) == 2)
    wait_until(lambda: onlooker.now["rtaction/front-door/fall"] == b"OFF")
    start, end = map(json.loads, onlooker.history["rtaction/events"])
    assert (start["phase"], end["phase"], start["id"], end["id"]) == (
        "start",
        "end",
        *[event.id] * 2,
    )
    assert end["duration_seconds"] >= 0
    assert json.loads(onlooker.now["rtaction/front-door/action"]) == end
    wait_until(lambda: sink.view().num_sent == 2)
    assert sink.view().is_up

    newcomer = Onlooker(broker.port)
    wait_until(lambda: "rtaction/front-door/snapshot" in newcomer.now)
    newcomer.close()
    assert "rtaction/events" not in newcomer.now


def test_a_label_is_on_until_the_last_of_its_events_ends(
    broker: Mosquitto, onlooker: Onlooker, make: Make
) -> None:
    room, sink = Room(view()), make(broker.port)
    room.open(sink)
    wait_until(lambda: onlooker.now.get("rtaction/front-door/wave") == b"OFF")
    first, second = record("wave"), record("wave")
    for one in (first, second):
        sink.event(one, "start")
    sink.event(ended(first), "end")
    wait_until(lambda: len(onlooker.history["rtaction/events"]) == 3)
    sink.event(ended(second), "end")
    wait_until(lambda: len(onlooker.history["rtaction/events"]) == 4)
    assert onlooker.history["rtaction/front-door/wave"] == [b"OFF", b"ON", b"OFF"]


def test_a_clip_s_snapshot_replaces_the_picture_of_the_start(
    broker: Mosquitto, onlooker: Onlooker, make: Make, tmp_path: Path
) -> None:
    room, sink = Room(view()), make(broker.port)
    room.open(sink)
    event = record()
    sink.event(event, "start")
    wait_until(lambda: onlooker.now.get("rtaction/front-door/snapshot") == room.shown)
    room.files[event.id] = tmp_path / "snapshot.jpg"
    room.files[event.id].write_bytes(jpeg(7))
    sink.event(replace(event, snapshot="snapshot.jpg"), "change")
    wait_until(lambda: onlooker.now["rtaction/front-door/snapshot"] == jpeg(7))


def test_commands_switch_a_camera_and_bad_ones_do_nothing(
    broker: Mosquitto, onlooker: Onlooker, make: Make
) -> None:
    room = Room(view())
    room.open(make(broker.port))
    wait_until(lambda: "rtaction/front-door/state" in onlooker.now)
    onlooker.say("rtaction/front-door/enabled/set", "maybe")
    onlooker.say("rtaction/no-such/enabled/set", "OFF")
    onlooker.say("rtaction/front-door/enabled/set", "OFF")
    wait_until(lambda: onlooker.now["rtaction/front-door/enabled"] == b"OFF")
    assert not room.views["front-door"].is_enabled
    assert list(room.views) == ["front-door"]
    onlooker.say("rtaction/front-door/enabled/set", "ON")
    wait_until(lambda: onlooker.now["rtaction/front-door/enabled"] == b"ON")
    assert onlooker.history["rtaction/front-door/enabled"] == [b"ON", b"OFF", b"ON"]


def test_a_retained_command_of_the_past_is_not_obeyed(
    broker: Mosquitto, onlooker: Onlooker, make: Make
) -> None:
    onlooker.say("rtaction/front-door/enabled/set", "OFF", is_retained=True)
    room = Room(view())
    room.open(make(broker.port))
    wait_until(lambda: ANNOUNCED in onlooker.now)
    onlooker.say("rtaction/no-such/enabled/set", "ON")
    wait_until(lambda: room.sinks[0].view().num_waiting == 0)
    assert room.views["front-door"].is_enabled


def test_home_assistant_is_told_again_when_it_starts(
    broker: Mosquitto, onlooker: Onlooker, make: Make
) -> None:
    Room(view()).open(make(broker.port))
    wait_until(lambda: ANNOUNCED in onlooker.now)
    told = len(onlooker.history[ANNOUNCED])
    onlooker.say("homeassistant/status", "online")
    wait_until(lambda: len(onlooker.history[ANNOUNCED]) == told + 1)
    assert onlooker.history[ANNOUNCED][-1] == onlooker.history[ANNOUNCED][0]


def test_a_camera_and_a_label_that_go_are_removed(
    broker: Mosquitto, onlooker: Onlooker, make: Make
) -> None:
    room, sink = Room(view(), view("yard")), make(broker.port)
    room.open(sink)
    wait_until(lambda: "rtaction/yard/jumping_jack" in onlooker.now)
    room.change(view(labels=("fall", "wave")))
    wait_until(lambda: "rtaction/front-door/jumping_jack" not in onlooker.now)
    components = json.loads(onlooker.now[ANNOUNCED])["components"]
    assert components["label_jumping_jack"] == {"platform": "binary_sensor"}
    room.remove("yard")
    wait_until(lambda: not [topic for topic in onlooker.now if "yard" in topic])
    assert "rtaction/front-door/fall" in onlooker.now
    # Home Assistant would take an empty state for a mistake.
    last = {topic: number for number, topic in enumerate(onlooker.order)}
    assert last[ANNOUNCED.replace("front_door", "yard")] < last["rtaction/yard/state"]
    assert last[ANNOUNCED] < last["rtaction/front-door/jumping_jack"]


def test_after_a_restart_what_is_gone_is_removed_too(
    broker: Mosquitto, onlooker: Onlooker, make: Make
) -> None:
    first = make(broker.port)
    Room(view(), view("yard")).open(first)
    first.event(record(camera="yard"), "start")
    wait_until(lambda: "rtaction/yard/snapshot" in onlooker.now)
    wait_until(lambda: "rtaction/front-door/jumping_jack" in onlooker.now)
    first.close(5)
    wait_until(lambda: onlooker.now["rtaction/status"] == b"offline")

    room = Room(view(labels=()))
    room.ready = False
    second = make(broker.port)
    room.open(second)
    wait_until(lambda: second.view().is_up)
    assert "rtaction/yard/state" in onlooker.now  # its model may only be loading
    room.ready = True
    room.change(view(labels=("fall", "wave")))
    wait_until(lambda: not [topic for topic in onlooker.now if "yard" in topic])
    wait_until(lambda: "rtaction/front-door/jumping_jack" not in onlooker.now)
    components = json.loads(onlooker.now[ANNOUNCED])["components"]
    assert components["label_jumping_jack"] == {"platform": "binary_sensor"}
    assert onlooker.now["rtaction/front-door/fall"] == b"OFF"


def test_after_an_outage_states_are_told_again_and_events_counted_as_missed(
    broker: Mosquitto, make: Make
) -> None:
    room, sink = Room(view()), make(broker.port)
    room.open(sink)
    before = Onlooker(broker.port)
    wait_until(lambda: ANNOUNCED in before.now)
    before.close()
    broker.end()  # with all that it has retained
    wait_until(lambda: "nothing listens" in sink.view().reason)
    event = record("fall")
    sink.event(event, "start")
    sink.event(record("wave"), "start")
    sink.event(ended(event), "end")
    wait_until(lambda: sink.view().num_missed == 3)
    broker.start()
    onlooker = Onlooker(broker.port)
    wait_until(lambda: onlooker.now.get("rtaction/front-door/wave") == b"ON")
    wait_until(lambda: onlooker.now.get("rtaction/front-door/fall") == b"OFF")
    wait_until(lambda: "rtaction/front-door/snapshot" in onlooker.now)
    assert "rtaction/events" not in onlooker.now
    assert set(before.now) <= set(onlooker.now)
    onlooker.close()
    assert (sink.view().is_up, sink.view().reason) == (True, "")


def test_events_of_an_outage_are_sent_later_where_that_was_asked_for(
    broker: Mosquitto, make: Make
) -> None:
    room, sink = Room(view()), make(broker.port, keep_seconds=60)
    room.open(sink)
    wait_until(lambda: sink.view().is_up)
    broker.end()
    wait_until(lambda: sink.view().is_up is False)
    events = [record() for _ in range(50)]
    for one in events:
        sink.event(one, "start")
    wait_until(lambda: sink.view().num_waiting == 50)
    # It comes back with its own files gone, and somebody looks on before we are back.
    room.sinks.clear()
    broker.start()
    onlooker = Onlooker(broker.port)
    wait_until(lambda: sink.view().num_sent == 50)
    onlooker_saw = [json.loads(one)["id"] for one in onlooker.history["rtaction/events"]]
    onlooker.close()
    expected = [one.id for one in events]
    assert onlooker_saw == expected[len(expected) - len(onlooker_saw) :]
    assert (sink.view().num_missed, sink.view().num_waiting) == (0, 0)


def test_a_broker_that_hangs_stalls_nobody(broker: Mosquitto, make: Make) -> None:
    room, sink = Room(view()), make(broker.port)
    room.open(sink)
    wait_until(lambda: sink.view().is_up)
    broker.stop()
    try:
        for _ in range(3000):
            sink.event(record("wave"), "start")
        # 1,000 messages wait for the broker's answer, some of them of the last action.
        wait_until(lambda: sink.view().num_missed > 1000)
    finally:
        broker.go_on()
    wait_until(lambda: sink.view().num_sent + sink.view().num_missed == 3000)
    assert sink.view().num_sent > 100
    wait_until(lambda: sink.view().is_up)


def test_the_last_will_is_seen_when_the_process_is_killed(
    broker: Mosquitto, onlooker: Onlooker
) -> None:
    script = f"""
        import time
        from rtaction.serve.sinks.mqtt.sink import Mqtt
        from tests.serve.sinks.doubles import Room, view
        sink = Mqtt.from_table({{"host": "127.0.0.1", "port": {broker.port}}}, "here")
        Room(view()).open(sink)
        time.sleep(60)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT)
    try:
        wait_until(lambda: onlooker.now.get("rtaction/status") == b"online", seconds=30)
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: onlooker.now["rtaction/status"] == b"offline")


def test_a_broker_that_refuses_the_password_is_told_without_it(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wr0ng-S3cret!"
    monkeypatch.setenv("MQTT_USER", USER)
    monkeypatch.setenv("MQTT_WRONG", wrong)
    monkeypatch.setenv("MQTT_RIGHT", PASSWORD)
    broker = Mosquitto(tmp_path, has_password=True)
    try:
        user = {"username_env": "MQTT_USER"}
        refused = make(broker.port, **user, password_env="MQTT_WRONG")
        Room(view()).open(refused)
        wait_until(lambda: refused.view().is_up is False)
        assert "check the user name and the password" in refused.view().reason
        let_in = make(broker.port, **user, password_env="MQTT_RIGHT")
        Room(view()).open(let_in)
        wait_until(lambda: let_in.view().is_up)
    finally:
        broker.end()
    wait_until(lambda: let_in.view().is_up is False)
    shown = caplog.text + repr(refused.view()) + repr(let_in.view()) + repr(vars(let_in))
    assert wrong not in shown
    assert PASSWORD not in shown


def test_tls_trusts_whom_it_is_told_to(tmp_path: Path, make: Make) -> None:
    certificate, key = made_certificate(tmp_path)
    broker = Mosquitto(tmp_path, more=[f"certfile {certificate}", f"keyfile {key}"])
    try:
        wary = make(broker.port, host="localhost", tls=True)
        Room(view()).open(wary)
        wait_until(lambda: wary.view().is_up is False)
        assert "certificate is not trusted" in wary.view().reason
        trusting = make(broker.port, host="localhost", tls=str(certificate))
        Room(view()).open(trusting)
        wait_until(lambda: trusting.view().is_up)
    finally:
        broker.end()


def test_what_the_broker_does_not_let_through_is_counted(tmp_path: Path, make: Make) -> None:
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite rtaction/+/#\ntopic readwrite rtaction/status\n")
    broker = Mosquitto(tmp_path, more=[f"acl_file {rules}"])
    try:
        sink = make(broker.port, discovery_prefix="")
        Room(view()).open(sink)
        wait_until(lambda: sink.view().is_up)
        rules.write_text("topic readwrite nothing\n")
        sink.event(record(), "start")
        wait_until(lambda: sink.view().num_sent == 1)
        broker.reload()
        sink.event(record(), "start")
        wait_until(lambda: sink.view().num_missed == 1)
        assert "refuses a message: Not authorized" in sink.view().reason
    finally:
        broker.end()


def test_a_picture_that_is_too_large_for_the_broker_breaks_nothing(
    tmp_path: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Mosquitto(tmp_path, more=["max_packet_size 4000"])
    try:
        room, sink = Room(view()), make(broker.port)
        room.shown = bytes(5000)
        room.open(sink)
        onlooker = Onlooker(broker.port)
        wait_until(lambda: "rtaction/front-door/state" in onlooker.now)
        sink.event(record(), "start")
        wait_until(lambda: "at most 4000 bytes" in caplog.text)
        sink.event(record("wave"), "start")
        wait_until(lambda: onlooker.now["rtaction/front-door/wave"] == b"ON")
        onlooker.close()
        assert onlooker.history["rtaction/status"] == [b"online"]
    finally:
        broker.end()


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(range(256))])
def test_what_is_no_broker_stalls_nothing(says: bytes, make: Make) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sink = make(listener.getsockname()[1])
        Room(view()).open(sink)
        for _ in range(2):
            caller, _address = listener.accept()
            caller.sendall(says)
            caller.close()
        wait_until(lambda: sink.view().is_up is False)
        sink.event(record(), "start")
        wait_until(lambda: sink.view().num_missed == 1)


def test_a_name_that_cannot_be_found(make: Make) -> None:
    sink = make(free_port(), host="no-such-host.invalid")
    Room(view()).open(sink)
    wait_until(lambda: sink.view().is_up is False)
    assert sink.view().reason


def test_without_paho_the_error_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(MissingLibrary, match=r"install .*serve"):
        Mqtt.from_table({"host": "localhost"}, "here")
