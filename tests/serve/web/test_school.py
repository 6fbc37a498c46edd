"""Lessons, and the web socket of a browser's camera."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from rtaction.serve.web.options import Limits, WebOptions
from rtaction.serve.web.server import WebServer
from tests.serve.web.checked import DOCUMENT, checked_client
from tests.serve.web.conftest import TOKEN, Serve
from tests.serve.web.fake_school import FakeSchool
from tests.serve.web.waiting import WAIT_SECONDS, until


@pytest.fixture
def school(tmp_path: Path) -> FakeSchool:
    return FakeSchool(tmp_path)


def look(server: WebServer, query: str = "", **options: Any) -> ClientConnection:
    """A browser that sends its camera."""
    address = f"{server.url.replace('http', 'ws', 1)}api/eye{query}"
    eye: ClientConnection = connect(address, proxy=None, open_timeout=WAIT_SECONDS, **options)
    return eye


def ask(eye: ClientConnection, message: Any) -> dict[str, Any]:
    """The answer to a message."""
    eye.send(message if isinstance(message, (bytes, str)) else json.dumps(message))
    answer: dict[str, Any] = json.loads(eye.recv(WAIT_SECONDS))
    return answer


def picture(at_seconds: float, jpeg: bytes = b"\xff\xd8\xff...") -> bytes:
    return struct.pack("<d", at_seconds) + jpeg


def end_of(eye: ClientConnection) -> tuple[int, list[str]]:
    """Why the server closes it, and what it says before."""
    said = []
    try:
        while True:
            said.append(json.loads(eye.recv(WAIT_SECONDS)).get("error"))
    except ConnectionClosed as closed:
        return (closed.rcvd.code if closed.rcvd else 0), said


def test_a_lesson_from_its_beginning_to_its_end(serve: Serve, school: FakeSchool) -> None:
    with checked_client(serve(school=school).url) as client:
        assert client.get("/api/lessons").json() == {"lessons": []}
        begun = client.post("/api/lessons")
        assert begun.status_code == 201
        number = begun.json()["id"]
        lesson = f"/api/lessons/{number}"
        assert client.post(f"{lesson}/learn").status_code == 400
        assert client.get(f"{lesson}/model.onnx").status_code == 404

        school.views[number] = replace(school.views[number], takes={"my wave": 2, "nothing": 1})
        (told,) = client.get("/api/lessons").json()["lessons"]
        assert told["takes"] == [{"label": "my wave", "count": 2}, {"label": "nothing", "count": 1}]
        after = client.delete(f"{lesson}/takes/my%20wave")
        assert after.json()["takes"][0]["count"] == 1
        assert client.delete(f"{lesson}/takes/clap").status_code == 404

        assert client.post(f"{lesson}/learn").status_code == 202
        assert client.get(lesson).json()["report"] == ["fine"]
        model = client.get(f"{lesson}/model.onnx")
        assert model.content == b"a model"
        assert model.headers["Content-Disposition"] == (
            'attachment; filename="rtaction-20261130-100000-ab12.onnx"'
        )
        assert client.delete(lesson).status_code == 204
        assert client.get(lesson).status_code == 404


@pytest.mark.parametrize("lesson", ["..%2f..%2fetc", "%2e%2e", "a%00b", "gone"])
def test_what_is_no_lesson(serve: Serve, school: FakeSchool, lesson: str) -> None:
    server = serve(school=school)
    with checked_client(server.url) as client:
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/learn"),
            ("GET", "/model.onnx"),
            ("DELETE", "/takes/wave"),
        ):
            answer = client.request(method, f"/api/lessons/{lesson}{path}")
            assert answer.status_code == 404, path
    with look(server, f"?lesson={lesson}") as eye:
        code, (said,) = end_of(eye)
    assert code == 4404
    assert "there is no lesson" in said


def test_a_server_that_does_not_teach(serve: Serve) -> None:
    server = serve()
    with checked_client(server.url) as client:
        assert client.get("/api/lessons").status_code == 404
        assert "does not look" in client.post("/api/lessons").json()["error"]
    with look(server) as eye:
        assert end_of(eye)[0] == 4404


def test_pictures_are_answered_in_order(serve: Serve, school: FakeSchool) -> None:
    with look(serve(school=school)) as eye:
        answer = ask(eye, picture(1.25))
        schema = {"$ref": "#/components/schemas/Seen", "components": DOCUMENT["components"]}
        jsonschema.validate(answer, schema)
        for at_seconds in (2.0, 3.0, 4.0):  # without waiting
            eye.send(picture(at_seconds, b"\xff\xd8\xff" + bytes(200_000)))
        for _ in range(3):
            assert json.loads(eye.recv(WAIT_SECONDS))["state"] == "ok"
        assert [at_seconds for at_seconds, _ in school.eyes[0].seen] == [1.25, 2.0, 3.0, 4.0]
        assert school.eyes[0].seen[0][1] == b"\xff\xd8\xff..."
    until(lambda: not school.eyes)


def test_mistakes_are_told_and_it_goes_on(serve: Serve, school: FakeSchool) -> None:
    lesson = school.begin().id
    with look(serve(school=school), f"?lesson={lesson}") as eye:
        ask(eye, picture(5.0))
        for mistake, reason in (
            (picture(5.0), "must be above"),
            (b"", "expected the time"),
            (bytes(8), "expected the time"),
            ("", "JSON object"),
            ("[" * 1990, "JSON object"),
            ('"' + "x" * 3000 + '"', "JSON object"),
            ([1], "JSON object"),
            ({"do": "dance"}, "record, stop or lesson"),
            ({"do": []}, "record, stop or lesson"),
            ({"do": "record", "seconds": 2}, "label"),
            ({"do": "record", "label": "wave", "seconds": True}, "seconds"),
            ({"do": "record", "label": "wave", "seconds": "2"}, "seconds"),
        ):
            assert reason in ask(eye, mistake)["error"], mistake
        assert "error" not in ask(eye, picture(6.0))


def test_takes_and_a_new_model(serve: Serve, school: FakeSchool) -> None:
    server = serve(school=school)
    lesson = school.begin().id
    with look(server, f"?lesson={lesson}") as eye:
        asked = {"do": "record", "label": "my wave", "seconds": 1.5}
        assert ask(eye, asked) == {"did": "record"}
        assert ask(eye, picture(1.0))["recording"] == {"label": "my wave", "seconds_left": 1.5}
        assert ask(eye, {"do": "stop"}) == {"did": "stop"}
        assert ask(eye, picture(2.0))["recording"] is None
        assert ask(eye, {"do": "lesson"}) == {"did": "lesson"}
        assert school.num_opened == 2
        assert [one.lesson for one in school.eyes] == [lesson]
        school.remove(lesson)
        eye.send('{"do": "lesson"}')
        assert end_of(eye)[0] == 4404
    with look(server) as eye:
        assert "no lesson" in ask(eye, asked)["error"]


def test_limits_of_the_web_socket(serve: Serve, school: FakeSchool) -> None:
    server = serve(school=school, limits=Limits(message_bytes=1000, request_seconds=0.4))
    with look(server) as eye:
        assert end_of(eye)[0] == 4408
    with look(server) as eye:
        eye.send(picture(1.0, bytes(1000)))
        assert end_of(eye)[0] == 1009
    until(lambda: not school.eyes)
    school.eyes = [school.eye(None), school.eye(None)]
    with look(server) as eye:
        code, (said,) = end_of(eye)
    assert (code, said) == (4429, "too many send their cameras already; close one")


def test_an_unexpected_error_tells_no_password(
    serve: Serve, school: FakeSchool, caplog: pytest.LogCaptureFixture
) -> None:
    with look(serve(school=school)) as eye:
        eye.send(picture(1.0, b"broken"))
        code, said = end_of(eye)
    assert code == 1011
    assert "RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text + str(said)
    until(lambda: not school.eyes)


Headers = dict[str, str]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_pages_of_other_sites_see_nothing(
    serve: Serve, school: FakeSchool, headers: Headers
) -> None:
    """Browsers let any page open a web socket; only the server can refuse it."""
    with pytest.raises(InvalidStatus) as refused:
        look(serve(school=school), additional_headers=headers)
    assert refused.value.response.status_code == 403
    assert not school.num_opened


def test_a_foreign_name_sees_nothing(serve: Serve, school: FakeSchool) -> None:
    port = serve(school=school).port
    address = f"ws://evil.example:{port}/api/eye"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, address=("127.0.0.1", port), proxy=None)
    assert refused.value.response.status_code == 403
    assert not school.num_opened


def test_its_own_page_looks(serve: Serve, school: FakeSchool) -> None:
    server = serve(school=school)
    with look(server, additional_headers={"Origin": server.url.rstrip("/")}) as eye:
        assert ask(eye, picture(1.0))["state"] == "ok"


def test_who_has_no_token_sees_nothing(serve: Serve, school: FakeSchool) -> None:
    server = serve(WebOptions(port=0, token=TOKEN), school=school)
    wrong: list[Headers] = [{}, {"Authorization": f"Bearer {TOKEN}x"}, {"Cookie": "rtaction=1.2"}]
    for headers in wrong:
        with pytest.raises(InvalidStatus) as refused:
            look(server, additional_headers=headers)
        assert refused.value.response.status_code == 403
    assert not school.num_opened
    with checked_client(server.url) as client:
        assert client.get("/api/lessons").status_code == 401
        cookie = client.post("/login", data={"token": TOKEN}).headers["Set-Cookie"].split(";")[0]
    for headers in ({"Authorization": f"Bearer {TOKEN}"}, {"Cookie": cookie}):
        with look(server, additional_headers=headers) as eye:
            assert ask(eye, picture(1.0))["state"] == "ok"


@pytest.mark.parametrize("is_asking", [True, False])
def test_it_ends_soon_whoever_looks(serve: Serve, school: FakeSchool, is_asking: bool) -> None:
    server = serve(school=school)
    with look(server) as eye:
        ask(eye, picture(1.0))
        if is_asking:
            eye.send(picture(2.0))
        server.stop()
        assert end_of(eye)[0] == 1012
    until(lambda: not school.eyes)
