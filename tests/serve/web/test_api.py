"""The API, on a real server; `checked_client` compares every answer with the document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx
import pytest

from rtaction.serve.web.app import all_endpoints
from rtaction.serve.web.endpoint import routes_of
from rtaction.serve.web.front_desk import FrontDesk
from rtaction.serve.web.openapi import document
from rtaction.serve.web.options import Limits, WebOptions
from rtaction.serve.web.schemas import SCHEMAS
from tests.serve.fake_house import FakeHouse
from tests.serve.web.checked import checked_client
from tests.serve.web.conftest import Serve
from tests.serve.web.waiting import until


def test_the_document_has_every_route_and_no_other(house: FakeHouse, tmp_path: object) -> None:
    endpoints = all_endpoints()
    routes = routes_of(endpoints, FrontDesk(house, WebOptions(), Limits()))
    served = {(route.path, one) for route in routes for one in route.methods or () if one != "HEAD"}
    told = {
        (path, method.upper())
        for path, by_method in document(endpoints)["paths"].items()
        for method in by_method
    }
    assert served == told
    assert len(served) == len(endpoints)


def test_the_document_refers_to_schemas_that_are_there() -> None:
    text = json.dumps(document(all_endpoints()))
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(SCHEMAS)


def test_cameras_in_order_of_their_file(client: httpx.Client) -> None:
    cameras = client.get("/api/cameras").json()["cameras"]
    assert [one["name"] for one in cameras] == ["Front door", "Driveway"]
    assert client.get("/api/cameras/driveway").json()["id"] == "driveway"
    assert client.get("/api/cameras/attic").status_code == 404


def test_a_camera_is_disabled_and_given_thresholds(client: httpx.Client, house: FakeHouse) -> None:
    change = {"enabled": False, "thresholds": {"wave": 0.35}}
    after = client.patch("/api/cameras/driveway", json=change).json()
    assert (after["enabled"], after["state"]) == (False, "disabled")
    assert after["thresholds"] == {"clap": 0.6, "fall": 0.6, "wave": 0.35, "walk": 0.6}
    assert house.views["front-door"].is_enabled

    back = client.patch("/api/cameras/driveway", json={"thresholds": {"*": None}}).json()
    assert set(back["thresholds"].values()) == {0.6}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"enabled": 1}, "true or false"),
        ({"threshold": {}}, "unknown key"),
        ({"thresholds": {"wave": 2}}, "from 0 to 1"),
        ({"thresholds": {"wave": True}}, "from 0 to 1"),
        ({"thresholds": {"jump": 0.5}}, "unknown label"),
        ({"thresholds": [0.5]}, "a score for each label"),
        ({"enabled": False, "thresholds": {"wave": float("nan")}}, "from 0 to 1"),
    ],
)
def test_a_wrong_change_changes_nothing(
    client: httpx.Client, house: FakeHouse, change: dict[str, Any], word: str
) -> None:
    before = dict(house.views)
    headers = {"Content-Type": "application/json"}
    answer = client.patch("/api/cameras/driveway", content=json.dumps(change), headers=headers)
    assert answer.status_code == 400
    assert word in answer.json()["error"]
    assert house.views == before


def test_the_newest_picture(client: httpx.Client, house: FakeHouse) -> None:
    house.change("driveway", state="down")
    address = "/api/cameras/driveway/picture.jpg"
    answer = client.get(address, params={"width": 320, "drawn": 1})
    assert answer.content.startswith(b"\xff\xd8")
    assert datetime.fromisoformat(answer.headers["X-Picture-At"]) < datetime.now(UTC)
    again = client.get(
        address,
        params={"width": 320, "drawn": 1},
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


def test_no_picture_yet(client: httpx.Client, house: FakeHouse) -> None:
    house.change("driveway", state="connecting")
    answer = client.get("/api/cameras/driveway/picture.jpg")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert client.get("/api/cameras/attic/picture.jpg").status_code == 404
    assert client.get("/api/cameras/attic/stream.mjpg").status_code == 404


def test_a_stream_is_pictures_with_boundaries(client: httpx.Client) -> None:
    with client.stream("GET", "/api/cameras/driveway/stream.mjpg?width=160&fps=30") as answer:
        assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=rtaction"
        content = b""
        for chunk in answer.iter_raw():
            content += chunk
            if content.count(b"--rtaction\r\n") >= 4:
                break
    parts = content.split(b"--rtaction\r\n")
    assert parts[0] == b""
    for part in parts[1:3]:
        head, _, body = part.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length is not None
        assert len(body) == int(length[1]) + 2
        assert body.startswith(b"\xff\xd8")


def test_the_head_of_a_stream_ends(client: httpx.Client) -> None:
    for path in ("/api/news", "/api/cameras/driveway/stream.mjpg"):
        answer = httpx.head(client.base_url.join(path), trust_env=False)
        assert (answer.status_code, answer.content) == (200, b"")


def test_a_stream_ends_with_its_camera(client: httpx.Client, house: FakeHouse) -> None:
    with client.stream("GET", "/api/cameras/driveway/stream.mjpg?fps=30") as answer:
        chunks = answer.iter_raw()
        next(chunks)
        del house.views["driveway"]
        assert len(list(chunks)) < 20


def test_events_by_pages_and_by_what_they_are(client: httpx.Client, house: FakeHouse) -> None:
    ids = [
        house.add_event("front-door", "wave", ago_seconds=ago, has_clip=False).id
        for ago in (50, 40, 30, 20, 10)
    ][::-1]
    other = house.add_event("driveway", "fall", ago_seconds=5, has_clip=False, person=9).id

    def asked(**query: Any) -> list[str]:
        return [one["id"] for one in client.get("/api/events", params=query).json()["events"]]

    first = client.get("/api/events", params={"camera": "front-door", "limit": 2}).json()
    assert [one["id"] for one in first["events"]] == ids[:2]
    assert asked(camera="front-door", before=first["next"]) == ids[2:]
    assert asked(label="fall") == asked(person=9) == asked(camera="driveway") == [other]
    now = datetime.now(UTC)
    assert asked(since=(now - timedelta(seconds=15)).isoformat()) == [other, ids[0]]
    assert asked(until=(now - timedelta(seconds=45)).isoformat()) == [ids[-1]]
    client.put(f"/api/events/{other}/verdict", json={"verdict": "wrong"})
    assert asked(verdict="wrong") == [other]
    assert other not in asked(verdict="none")
    assert client.get("/api/events").json()["next"] is None


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("limit=0", "from 1 to 1000"),
        ("limit=ten", "an integer"),
        ("since=yesterday", "a time such as"),
        ("person=1.5", "an integer"),
        ("lable=wave", "unknown parameter 'lable'"),
        ("label=" + "x" * 201, "at most 200"),
        ("label=a%00b", "printable"),
        ("since=0001-01-01T00:00:00%2B14:00", "a time such as"),
    ],
)
def test_a_wrong_query(client: httpx.Client, query: str, word: str) -> None:
    answer = client.get(f"/api/events?{query}")
    assert answer.status_code == 400
    assert word in answer.json()["error"]


def test_a_verdict_is_given_and_taken_back(client: httpx.Client, house: FakeHouse) -> None:
    event = house.add_event(has_clip=False).id
    address = f"/api/events/{event}/verdict"
    assert client.put(address, json={"verdict": "walk"}).json()["verdict"] == "walk"
    assert client.get(f"/api/events/{event}").json()["verdict"] == "walk"
    assert client.delete(address).json()["verdict"] is None
    for wrong in ({"verdict": None}, {}, {"verdict": "a/../b"}, {"verdict": "x", "more": 1}):
        assert client.put(address, json=wrong).status_code == 400
    assert client.put("/api/events/no-such/verdict", json={"verdict": "right"}).status_code == 404
    assert client.put(address, content=b"verdict=right").status_code == 415


def test_a_clip_is_served_by_ranges(client: httpx.Client, house: FakeHouse) -> None:
    event = house.add_event().id
    whole = client.get(f"/api/events/{event}/clip")
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.content[4:8] == b"ftyp"
    part = client.get(f"/api/events/{event}/clip", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    end = client.get(f"/api/events/{event}/clip", headers={"Range": "bytes=-50"})
    assert end.content == whole.content[-50:]
    beyond = client.get(f"/api/events/{event}/clip", headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416
    assert client.get(f"/api/events/{event}/snapshot").content.startswith(b"\xff\xd8")
    without = house.add_event(has_clip=False).id
    assert client.get(f"/api/events/{without}/clip").status_code == 404
    assert client.get(f"/api/events/{without}/snapshot").status_code == 404


def test_a_day_as_csv(client: httpx.Client, house: FakeHouse) -> None:
    record = house.add_event(has_clip=False)
    answer = client.get("/api/events.csv", params={"day": f"{record.started_at:%Y-%m-%d}"})
    assert answer.text.splitlines()[1].startswith(f"{record.id},front-door,wave,")
    assert "attachment" in answer.headers["content-disposition"]
    assert client.get("/api/events.csv").status_code == 400
    assert client.get("/api/events.csv?day=30.11.2026").status_code == 400


def test_the_machine_and_its_health(client: httpx.Client, house: FakeHouse) -> None:
    assert client.get("/api/machine").json()["viewers"] == 0
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    house.ready = False
    assert client.get("/readyz").status_code == 503
    assert client.get("/metrics").status_code == 404


def test_figures_for_prometheus(serve: Serve) -> None:
    server = serve(metrics=lambda: (b"up 1\n", "text/plain; version=0.0.4"))
    with checked_client(server.url) as client:
        assert client.get("/metrics").text == "up 1\n"


def test_a_reload_says_what_changed_or_what_is_wrong(
    client: httpx.Client, house: FakeHouse
) -> None:
    assert client.post("/api/reload").json() == {"changed": "nothing has changed"}
    house.mistake = "cameras.toml, camera 2: unknown key 'ulr'"
    answer = client.post("/api/reload")
    assert (answer.status_code, answer.json()) == (400, {"error": house.mistake})


def _told(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    kind = ""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def test_news_come_as_they_are(client: httpx.Client, house: FakeHouse) -> None:
    with client.stream("GET", "/api/news") as answer:
        told = _told(answer)
        first = dict(islice(told, 3))
        assert set(first) == {"hello", "cameras", "machine"}
        assert first["machine"]["viewers"] == 1
        event = house.add_event(has_clip=False).id
        kind, data = next(one for one in told if one[0] == "event")
        assert (kind, data["id"], data["phase"]) == ("event", event, "end")
        house.enable("driveway", is_enabled=False)
        _, data = next(one for one in told if one[0] == "camera")
        assert (data["id"], data["enabled"]) == ("driveway", False)


def test_nobody_is_asked_for_news_if_nobody_looks(client: httpx.Client, house: FakeHouse) -> None:
    until(lambda: not house.subscriptions)  # of the test before
    with client.stream("GET", "/api/news") as answer:
        lines = answer.iter_lines()
        next(lines)
        with client.stream("GET", "/api/news") as other:
            more_lines = other.iter_lines()
            next(more_lines)
            assert len(house.subscriptions) == 1
    until(lambda: not house.subscriptions)
    del lines, more_lines  # at their end, they close their answers


@pytest.mark.parametrize("method", ["GET", "PUT", "TRACE", "PROPFIND"])
def test_what_is_not_there_is_told_as_json(client: httpx.Client, method: str) -> None:
    assert "error" in client.request(method, "/api/nothing").json()
    if method != "GET":
        answer = client.request(method, "/page/icon.svg")
        assert answer.status_code == 405
