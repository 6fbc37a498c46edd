from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rtaction.serve.sinks.reasons import reason_of
from rtaction.serve.sinks.webhooks.post import Receiver as Address
from rtaction.serve.sinks.webhooks.post import post
from tests.serve.sinks.certificate import made_certificate
from tests.serve.sinks.receiver import Receiver, hang


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    one.start()
    yield one
    one.end()


def slowly(answer: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer one letter at a time."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        try:
            for letter in answer:
                handler.wfile.write(bytes([letter]))
                time.sleep(0.02)
        except OSError:
            return  # the caller had enough

    return send


@pytest.mark.parametrize(
    "fault",
    [
        hang(1.0),
        slowly(b"HTTP/1.1 204 No Content\r\nX-Long: " + b"x" * 60),
        slowly(b"HTTP/1.1 204 " + b"y" * 80),
    ],
)
def test_who_is_slow_in_whatever_way_is_too_late(
    fault: Callable[[BaseHTTPRequestHandler], None], receiver: Receiver
) -> None:
    receiver.faults = [fault]
    with pytest.raises(TimeoutError):
        post(Address.parse(receiver.url()), b"{}", {}, timeout_seconds=0.5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", 7.0), ("99999999", 3600.0), ("-3", None), ("soon", None), ("", None)],
)
def test_when_to_come_again(text: str, expected: float | None, receiver: Receiver) -> None:
    receiver.faults = [(503, {"Retry-After": text})]
    answer = post(Address.parse(receiver.url()), b"{}", {}, timeout_seconds=5)
    assert (answer.status, answer.retry_after_seconds) == (503, expected)


def test_a_date_to_come_again(receiver: Receiver) -> None:
    receiver.faults = [(503, {"Retry-After": formatdate(time.time() + 600, usegmt=True)})]
    answer = post(Address.parse(receiver.url()), b"{}", {}, timeout_seconds=5)
    assert answer.retry_after_seconds == pytest.approx(600, abs=30)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@Example.org:443/a?b#c", "https://example.org"),
        ("http://example.org:8080/a", "http://example.org:8080"),
        ("https://[2001:db8::1]:9/a", "https://[2001:db8::1]:9"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert str(Address.parse(url)) == shown


def test_what_is_no_ascii_is_encoded(receiver: Receiver) -> None:
    post(Address.parse(receiver.url("/tür 1?a=ä%20b")), b"{}", {}, timeout_seconds=5)
    assert receiver.accepted[0].path == "/t%C3%BCr%201?a=%C3%A4%20b"


def test_a_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = made_certificate(tmp_path)
    receiver = Receiver()
    receiver.start(tls=(certificate, key))
    address = Address.parse(f"https://localhost:{receiver.port}/hook")
    try:
        with pytest.raises(ssl.SSLCertVerificationError) as error:
            post(address, b"{}", {}, timeout_seconds=5)
        assert "certificate is not trusted" in reason_of(error.value)
        assert receiver.asked == []
        trusting = ssl.create_default_context(cafile=certificate)
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        assert post(address, b"{}", {}, timeout_seconds=5).status == 204
        elsewhere = Address.parse(f"https://127.0.0.1:{receiver.port}/hook")
        with pytest.raises(ssl.SSLCertVerificationError):
            post(elsewhere, b"{}", {}, timeout_seconds=5)
    finally:
        receiver.end()
