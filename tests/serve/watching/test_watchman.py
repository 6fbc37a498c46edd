"""A house that watches real files by a real model: events, clips, judging, settings, reloading."""

from __future__ import annotations

from datetime import UTC, datetime

import av
import pytest

from rtaction.errors import NoSuchThing, RtactionError, UsageError
from rtaction.realtime.watching.live import LiveWatch
from rtaction.serve.house.house import Query
from rtaction.serve.house.record import EventRecord
from rtaction.serve.watching.watchman import Watchman
from tests.serve.place import SPEC, Place, open_house, until
from tests.tiny_model import write_tiny_model


def the_event(house: Watchman) -> EventRecord:
    (record,) = house.events(Query())
    return record


def test_an_event_from_its_start_to_its_correction(place: Place, opened: list[Watchman]) -> None:
    place.write(place.camera("Door 1", "bright.mp4"), "[clips]\npre_roll_seconds = 1")
    before = datetime.now(UTC)
    house = open_house(place, opened)
    news = house.subscribe()
    until(lambda: house.events(Query()) and the_event(house).clip)
    record = the_event(house)
    assert (record.camera, record.label, record.camera_name) == ("door-1", "bright", "Door 1")
    assert record.ended_at is not None
    assert before < record.started_at < record.ended_at < datetime.now(UTC)
    assert record.peak_score == pytest.approx(230 / 255, abs=0.02)
    assert record.model == "tiny.onnx"
    with av.open(str(house.file(record.id, "clip"))) as clip:
        assert sum(1 for _ in clip.decode(video=0)) > 10
    assert house.file(record.id, "snapshot").read_bytes()[:3] == b"\xff\xd8\xff"

    told = []
    while (one := news.next(0.1)) is not None:
        told.append(one)
    phases = [one.data["phase"] for one in told if one.kind == "event"]
    assert phases[0] == "start"
    assert "end" in phases
    assert any(one.kind == "camera" and one.data["id"] == "door-1" for one in told)

    assert house.judge(record.id, "right").verdict == "right"
    corrections = place.folder / "kept" / "corrections"
    until(lambda: list(corrections.rglob("*.mp4")))
    assert [one.parent.name for one in corrections.rglob("*.mp4")] == ["bright"]
    with pytest.raises(UsageError):
        house.judge(record.id, "../x")
    with pytest.raises(NoSuchThing):
        house.judge("none", "right")
    assert house.judge(record.id, None).verdict is None
    until(lambda: not list(corrections.rglob("*.mp4")))
    assert house.machine()["clips_bytes"] >= 0
    assert house.is_ready()
    assert house.is_alive()


def test_what_a_person_sets_lasts(place: Place, opened: list[Watchman]) -> None:
    place.write(place.camera("a", "gray.mp4"), place.camera("b", "gray.mp4"))
    house = open_house(place, opened)
    until(lambda: house.camera("a").state == "ok")
    assert house.picture("a", width=32, is_drawn=True) is not None
    image = house.image("a", width=32, is_drawn=False)
    assert image is not None
    assert image.pixels.shape[1:] == (32, 3)
    assert image.pixels.mean() == pytest.approx(140, abs=4)
    assert house.camera("a").thresholds == {"bright": 0.6}
    house.set_threshold("a", "bright", 0.3)
    until(lambda: [one.camera for one in house.events(Query())] == ["a"])
    assert house.camera("a").thresholds == {"bright": 0.3}
    assert house.camera("b").thresholds == {"bright": 0.6}
    house.enable("a", is_enabled=False)
    view = house.camera("a")
    assert (view.state, view.is_enabled, view.scores) == ("disabled", False, ())
    assert house.picture("a", width=None, is_drawn=False) is None
    assert house.image("a", width=None, is_drawn=False) is None
    until(lambda: the_event(house).ended_at)
    for camera, label, threshold in (("a", "gone", 0.5), ("a", None, 1.5)):
        with pytest.raises(UsageError):
            house.set_threshold(camera, label, threshold)
    with pytest.raises(NoSuchThing):
        house.enable("c", is_enabled=True)
    opened.remove(house)
    house.close(5.0)

    house = open_house(place, opened)
    assert house.camera("a").state == "disabled"
    assert house.camera("a").thresholds == {"bright": 0.3}
    house.enable("a", is_enabled=True)
    house.set_threshold("a", "bright", None)
    until(lambda: house.camera("a").state == "ok")
    assert house.camera("a").thresholds == {"bright": 0.6}


def test_the_file_is_read_anew(place: Place, opened: list[Watchman]) -> None:
    place.write(place.camera("a", "gray.mp4"), place.camera("b", "gray.mp4"))
    house = open_house(place, opened)
    until(lambda: house.camera("a").state == "ok")
    num_frames = house.camera("a").num_frames
    assert house.reload() == "nothing has changed"

    place.write(
        place.camera("a", "gray.mp4"),
        place.camera("c", "gray.mp4"),
        "[actions]\nenter = 0.9",
    )
    assert house.reload() == "1 camera new, 1 camera changed, 1 camera gone"
    assert [one.id for one in house.cameras()] == ["a", "c"]
    assert house.camera("a").state == "ok"
    assert house.camera("a").num_frames >= num_frames
    assert house.camera("a").thresholds == {"bright": 0.9}

    for mistake in ("name = ", '[[camera]]\nname = "d"', "[camera.actions.labels.jump]\nenter = 1"):
        place.write(place.camera("a", "gray.mp4"), mistake)
        with pytest.raises(RtactionError):
            house.reload()
        assert [one.id for one in house.cameras()] == ["a", "c"]
    until(lambda: house.camera("c").state == "ok")

    write_tiny_model(place.folder / "other.onnx", SPEC)
    place.write(place.camera("a", "gray.mp4", 'model = "other.onnx"'))
    assert house.reload() == "1 camera changed, 1 camera gone"
    until(lambda: house.camera("a").state == "ok")
    assert house.camera("a").model == "other.onnx"
    place.write(place.camera("a", "gray.mp4", 'model = "none.onnx"'))
    with pytest.raises(RtactionError):
        house.reload()
    assert house.camera("a").state == "ok"


def test_a_camera_rests_as_its_schedule_says(place: Place, opened: list[Watchman]) -> None:
    never = 'schedule = ["mon-sun 00:00-24:00"]\nquiet = ["00:00-24:00"]'
    place.write(place.camera("a", "gray.mp4", never), place.camera("b", "gray.mp4"))
    house = open_house(place, opened)
    assert house.camera("a").state == "resting"
    until(lambda: house.camera("b").state == "ok")
    assert house.camera("a").num_frames == 0
    place.write(place.camera("a", "gray.mp4"), place.camera("b", "gray.mp4"))
    house.reload()
    until(lambda: house.camera("a").state == "ok")


def fail(*_: object) -> None:
    raise ZeroDivisionError


def test_a_model_that_fails_ends_the_events(
    place: Place, opened: list[Watchman], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write(place.camera("a", "gray.mp4"), "[actions]\nenter = 0.3")
    house = open_house(place, opened)
    until(lambda: house.events(Query()))
    monkeypatch.setattr(LiveWatch, "_look", fail)
    until(lambda: house.error)
    assert not house.is_ready()
    until(lambda: the_event(house).ended_at)
    opened.remove(house)
    house.close(5.0)
    with pytest.raises(UsageError, match="ends"):
        house.reload()


def test_a_sink_that_fails_ends_nothing(
    place: Place, opened: list[Watchman], caplog: pytest.LogCaptureFixture
) -> None:
    place.write(place.camera("a", "bright.mp4"))
    house = place.house()
    opened.append(house)
    (sink,) = house._sinks
    for method in ("event", "camera", "close"):
        setattr(sink, method, fail)
    house.open()
    until(lambda: house.events(Query()) and the_event(house).clip)
    assert house.error is None
    assert "metrics: ZeroDivisionError" in caplog.messages
