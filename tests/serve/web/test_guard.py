"""Who may ask, and what strangers are told."""

from __future__ import annotations

import logging
import random
from typing import Any

import httpx
import pytest

from rtaction.serve.web.options import Limits, WebOptions
from tests.serve.fake_house import FakeHouse
from tests.serve.web.checked import checked_client
from tests.serve.web.conftest import TOKEN, Serve
from tests.serve.web.waiting import until

PATHS = ("/", "/api/cameras", "/api/news", "/openapi.json", "/healthz", "/page/icon.svg")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.5",
        "",
        "[::1",
        "a@localhost",
    ],
)
def test_a_foreign_host_is_refused(client: httpx.Client, host: str) -> None:
    """Else a page of any site could have its own name lead to this machine, and read all."""
    for path in PATHS:
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 403, path


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8090", "127.0.0.1:1", "[::1]:80"])
def test_this_machine_by_any_of_its_names(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_names_that_were_allowed(serve: Serve) -> None:
    server = serve(WebOptions(port=0, allowed_hosts=("cams.example",)))
    with checked_client(server.url) as client:
        assert client.get("/healthz", headers={"Host": "Cams.example:443"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/reload"),
        ("PATCH", "/api/cameras/driveway"),
        ("DELETE", "/api/events/x/verdict"),
        ("POST", "/login"),
        ("POST", "/logout"),
        ("GET", "/api/news"),
        ("GET", "/api/cameras"),
    ],
)
def test_pages_of_other_sites_are_refused(
    client: httpx.Client, house: FakeHouse, method: str, path: str
) -> None:
    house.mistake = "reload was called"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ):
        assert client.request(method, path, headers=headers).status_code == 403, headers


def test_its_own_page_and_programs_may(serve: Serve) -> None:
    server = serve(WebOptions(port=0, allowed_origins=("https://home.example",)))
    own = server.url.rstrip("/")
    with checked_client(server.url) as client:
        for headers in ({}, {"Origin": own}, {"Origin": "https://home.example"}):
            assert client.post("/api/reload", headers=headers).status_code == 200
        opened = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert client.get("/", headers=opened).status_code == 200
        opened["Sec-Fetch-Dest"] = "document"
        assert client.get("/api/docs", headers=opened).status_code == 200
        framed = {**opened, "Sec-Fetch-Dest": "iframe"}
        assert client.get("/api/docs", headers=framed).status_code == 403


@pytest.mark.parametrize("is_trusted", [True, False])
def test_who_comes_by_a_proxy(serve: Serve, is_trusted: bool) -> None:
    proxies = ("127.0.0.0/8",) if is_trusted else ("10.0.0.0/8",)
    options = WebOptions(port=0, token=TOKEN, trusted_proxies=proxies)
    server = serve(options, limits=Limits(requests_per_second=0.001, num_requests_at_once=3))
    with checked_client(server.url) as client:
        by_proxy = {"X-Forwarded-For": "192.0.2.7, 198.51.100.1", "X-Forwarded-Proto": "https"}
        answer = client.post("/login", data={"token": TOKEN}, headers=by_proxy)
        assert ("; Secure" in answer.headers["Set-Cookie"]) is is_trusted
        asked = [client.get("/login", headers=by_proxy).status_code for _ in range(4)]
        assert asked.count(429) == 2
        # What the asker puts before the proxy's own word is not believed.
        by_proxy["X-Forwarded-For"] = "203.0.113.9, 198.51.100.1"
        assert client.get("/login", headers=by_proxy).status_code == 429
        by_proxy["X-Forwarded-For"] = "198.51.100.2"
        status = client.get("/login", headers=by_proxy).status_code
        assert status == (200 if is_trusted else 429)


def test_tokens_that_are_wrong(serve: Serve, house: FakeHouse) -> None:
    server = serve(WebOptions(port=0, token=TOKEN), limits=Limits(num_requests_at_once=10_000))
    dice = random.Random(3)
    wrong = ["", "Bearer", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN[:-1]}"]
    wrong += [f"Bearer {TOKEN}x", f"Bearer {TOKEN.upper()}", "Bearer \u00e9\u00e9", "Bearer %00"]
    alphabet = [chr(one) for one in range(33, 256) if one != 127 and not 128 <= one < 160]
    for _ in range(200):
        text = list(f"Bearer {TOKEN}")
        for _ in range(dice.randint(1, 4)):
            text[dice.randrange(7, len(text))] = dice.choice(alphabet)
        if "".join(text) != f"Bearer {TOKEN}":
            wrong.append("".join(text))
    with checked_client(server.url) as client:
        for one in wrong:
            answer = client.get("/api/cameras", headers={b"Authorization": one.encode("latin-1")})
            assert answer.status_code == 401, one
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for cookie in ("rtaction=", "rtaction=1.2", f"rtaction={TOKEN}", "rtaction=9999999999."):
            assert client.get("/api/news", headers={"Cookie": cookie}).status_code == 401
        right = {"Authorization": f"bearer {TOKEN}"}
        assert client.get("/api/cameras", headers=right).status_code == 200
        assert client.get("/metrics").status_code == 401
        assert client.get("/openapi.json").status_code == 401
        assert client.get("/healthz").status_code == 200
        assert client.get("/page/icon.svg").status_code == 200
    assert not house.num_pictures


def test_a_browser_logs_in_and_out(serve: Serve) -> None:
    server = serve(WebOptions(port=0, token=TOKEN))
    with checked_client(server.url) as client:
        sent = client.get("/", headers={"Accept": "text/html"})
        assert (sent.status_code, sent.headers["Location"]) == (303, "/login")
        assert client.post("/login", data={"token": "wrong"}).status_code == 401
        answer = client.post("/login", data={"token": TOKEN})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert client.get("/api/cameras").status_code == 200
        assert client.post("/logout").status_code == 303
        assert client.get("/api/cameras").status_code == 401


def test_guesses_are_few(serve: Serve) -> None:
    server = serve(WebOptions(port=0, token=TOKEN))
    with checked_client(server.url) as client:
        statuses = [client.post("/login", data={"token": f"{n}"}).status_code for n in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        answer = client.post("/login", data={"token": TOKEN})
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/cameras/..%2f..%2fetc%2fpasswd",
        "/api/cameras/..%2f..%2fetc%2fpasswd/picture.jpg",
        "/api/cameras/%2e%2e/picture.jpg",
        "/api/cameras/a%00b",
        "/api/cameras/a%0d%0ab",
        "/api/events/..%5c..%5csecret/clip",
        "/api/events/....%2f%2f/clip",
        "/api/events/" + "a" * 200 + "/snapshot",
        "/api/events/~root/clip",
        "/page/../server.py",
        "/page/%2e%2e/server.py",
        "/page/..%2fserver.py",
        "/page//etc/passwd",
        "/page/%2fetc/passwd",
        "/page/",
    ],
)
def test_no_path_leads_out(client: httpx.Client, path: str) -> None:
    url = client.base_url.copy_with(raw_path=path.encode())
    answer = client.get(url)
    assert answer.status_code == 404
    assert "error" in answer.json()


def test_bodies_that_are_too_long(client: httpx.Client) -> None:
    long = b'{"enabled": ' + b" " * 70_000 + b"true}"
    headers = {"Content-Type": "application/json"}
    address = "/api/cameras/driveway"
    assert client.patch(address, content=long, headers=headers).status_code == 413
    chunks = (long[at : at + 1000] for at in range(0, len(long), 1000))
    assert client.patch(address, content=chunks, headers=headers).status_code == 413
    assert client.post("/login", content=b"token=" + b"x" * 70_000).status_code == 413
    deep = b"[" * 60_000
    assert client.patch(address, content=deep, headers=headers).status_code == 400
    assert client.patch(address, content=b"[]", headers=headers).status_code == 400
    assert client.patch(address, content=b"\xff\xfe", headers=headers).status_code == 400


def test_headers_that_are_too_long(client: httpx.Client) -> None:
    answer = client.get("/healthz", headers={"X-Long": "x" * 40_000})
    assert answer.status_code == 431
    assert client.get("/healthz", params={"x": "y" * 40_000}).status_code == 431
    assert client.get("/healthz").status_code == 200


def test_one_who_asks_too_often_waits(serve: Serve) -> None:
    server = serve(limits=Limits(requests_per_second=0.5, num_requests_at_once=5))
    with checked_client(server.url) as client:
        answers = [client.get("/api/cameras") for _ in range(7)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "2"


def test_browsers_are_told_to_be_strict(client: httpx.Client) -> None:
    for path in (*PATHS[:2], "/nothing"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert "server" not in headers


def test_an_unexpected_error_tells_no_password(
    client: httpx.Client,
    house: FakeHouse,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("rtsp://admin:hunter2@192.168.1.20/stream1 is broken")

    monkeypatch.setattr(house, "machine", broken)
    answer = client.get("/api/machine")
    assert answer.status_code == 500
    until(lambda: "test_guard.py" in caplog.text)
    assert "hunter2" not in answer.text + caplog.text


def test_the_log_has_neither_queries_nor_tokens(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(WebOptions(port=0, token=TOKEN))
    with checked_client(server.url) as client:
        client.get(f"/api/cameras?token={TOKEN}", headers={"Authorization": f"Bearer {TOKEN}"})
        client.post("/login", data={"token": TOKEN})

    def own() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.name.startswith("rtaction")]

    until(lambda: any('"POST /login" 303' in one for one in own()))
    assert any('"GET /api/cameras" 400' in one for one in own())
    assert not [one for one in own() if TOKEN in one]
