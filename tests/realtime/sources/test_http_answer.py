"""What a web server answers, asked of real ones."""

from __future__ import annotations

import pytest

from rtaction.realtime.sources.http_answer import HttpAnswer, ask
from tests.realtime.servers.rtp import answer
from tests.realtime.servers.stream_server import StreamServer
from tests.realtime.sources.test_network import PASSWORD, canned, typed


def test_a_video_behind_a_login() -> None:
    with StreamServer(user="admin", password=PASSWORD, file_seconds=0.2) as server:
        url = server.url(path="/file.mp4")

        assert ask(url, timeout_seconds=3.0) == HttpAnswer(200, "video/mp4", False, "")
        wrong = ask(server.url("admin", "wrong", "/file.mp4"), timeout_seconds=3.0)
        missing = ask(server.url(path="/no thing"), timeout_seconds=3.0)

    assert wrong is not None
    assert wrong.status == 401
    assert missing is not None
    assert (missing.status, missing.is_empty) == (404, True)


@pytest.mark.parametrize(
    ("content_type", "told"),
    [("TEXT/HTML; charset=utf-8", "text/html"), ("text/html\x1b[31m", ""), ("a/" + "b" * 99, "")],
)
def test_a_content_type(content_type: str, told: str) -> None:
    with canned(typed(content_type, b"x")) as where:
        found = ask(f"http://{where}", timeout_seconds=3.0)

    assert found == HttpAnswer(200, told, False, "")


@pytest.mark.parametrize("reply", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_no_answer(reply: bytes) -> None:
    with canned(reply) as where:
        found = ask(f"http://{where}", timeout_seconds=3.0)

    assert found is None or found.is_empty


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x"])
def test_redirects_lead_to_web_servers_only(target: str) -> None:
    with canned(answer("HTTP/1.1", 302, {"Location": target})) as where:
        found = ask(f"http://{where}", timeout_seconds=3.0)

    assert found is None or found.status == 302
