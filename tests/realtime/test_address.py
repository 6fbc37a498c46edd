"""Addresses are understood, and what is shown of them holds no secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rtaction.errors import RtactionError, SourceMissing, UsageError
from rtaction.realtime.address import parse_address, redact

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("text", "kind", "target", "name"),
    [
        ("0", "webcam", 0, "webcam 0"),
        ("12", "webcam", 12, "webcam 12"),
        ("007", "webcam", 7, "webcam 7"),
        ("rtsp://cam/1", "rtsp", "rtsp://cam/1", "rtsp://cam/1"),
        ("rtsps://cam:322/1", "rtsp", "rtsps://cam:322/1", "rtsps://cam:322/1"),
        ("RTSP://cam/1", "rtsp", "RTSP://cam/1", "RTSP://cam/1"),
        ("http://cam/v.mjpg", "http", "http://cam/v.mjpg", "http://cam/v.mjpg"),
        ("https://cam/v", "http", "https://cam/v", "https://cam/v"),
        ("rtsp://[fe80::1]:554/1", "rtsp", "rtsp://[fe80::1]:554/1", "rtsp://[fe80::1]:554/1"),
        ("rtsp://u:pw@cam:554/1", "rtsp", "rtsp://u:pw@cam:554/1", "rtsp://cam:554/1"),
        ("http://cam/v?key=pw", "http", "http://cam/v?key=pw", "http://cam/v?…"),
    ],
)
def test_addresses(text: str, kind: str, target: str | int, name: str) -> None:
    address = parse_address(text)

    assert (address.kind, address.target, address.name) == (kind, target, name)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a b ñ.mp4"
    path.touch()

    address = parse_address(str(path))

    assert (address.kind, address.target, address.name) == ("file", str(path), str(path))


def test_a_file_named_like_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0").touch()

    assert parse_address("0").kind == "webcam"
    assert parse_address("./0").kind == "file"


@pytest.mark.parametrize(
    "text",
    [
        "ftp://cam/x",
        "file:///etc/passwd",
        "concat://a|b",
        "subfile,,start,0,end,9,,:///etc/passwd",
        "gopher://x",
        "://x",
    ],
)
def test_other_schemes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="rtsp://, rtsps://, http://, https://"):
        parse_address(text)


@pytest.mark.parametrize(
    "text", ["", "nosuch.mp4", "concat:a|b", "12345", "-1", "0 ", "/dev/video"]
)
def test_what_is_not_there(text: str) -> None:
    with pytest.raises(SourceMissing, match="there is no such file"):
        parse_address(text)


@pytest.mark.parametrize("text", ["x" * 5000, f"/{'x' * 300}/a.mp4"])
def test_a_name_too_long_for_a_file(text: str) -> None:
    with pytest.raises(SourceMissing):
        parse_address(text)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="is no file"):
        parse_address(str(tmp_path))


def test_a_device(tmp_path: Path) -> None:
    link = tmp_path / "by-id-camera"
    link.symlink_to(os.devnull)

    address = parse_address(str(link))

    assert (address.kind, address.target, address.name) == ("webcam", str(link), str(link))


PASSWORDS = [
    SECRET,
    f"{SECRET}@",
    f"@{SECRET}",
    f"a@{SECRET}@b",
    f"a/{SECRET}",
    f"{SECRET}/",
    f"a?{SECRET}",
    f"a?b@{SECRET}",
    f"a/b?c@{SECRET}",
    f"a#{SECRET}",
    f"a:{SECRET}",
    f"a b {SECRET}",
    f"a%40{SECRET}%2F",
    f"a\t{SECRET}\n",
    f"ñ{SECRET}拍",
    f"rtsp://x@{SECRET}",
    f"[{SECRET}]",
    f"\\{SECRET}",
]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("scheme", ["rtsp", "https"])
@pytest.mark.parametrize("rest", ["/1", ":554/live/1", "", "/1?channel=2"])
def test_a_password_is_never_shown(scheme: str, password: str, rest: str) -> None:
    address = parse_address(f"{scheme}://user:{password}@192.168.1.9{rest}")

    for shown in (address.name, str(address), repr(address), f"{[address]}"):
        assert SECRET not in shown
        assert "user" not in shown
        assert "\n" not in shown
    # FFmpeg takes "/", "?" and "#" for the end of the host, so there the host is anybody's guess.
    if not set("/?#").intersection(password):
        assert address.name.startswith(f"{scheme}://192.168.1.9")
    assert address.target == f"{scheme}://user:{password}@192.168.1.9{rest}"


@pytest.mark.parametrize(
    "text",
    [
        f"http://cam/v?user=a@b.org&password={SECRET}",
        f"http://cam/v?token=a@{SECRET}",
        f"http://u:p@cam/v?token={SECRET}@x",
        f"http://cam/v#{SECRET}",
        f"rtsp://cam/user=admin&password={SECRET}&channel=1&stream=0.sdp",
    ],
)
def test_a_secret_beside_the_credentials_is_never_shown(text: str) -> None:
    assert SECRET not in parse_address(text).name


@pytest.mark.parametrize(
    "text",
    [
        f"ftp://user:{SECRET}@cam/1",
        f"rtps://user:{SECRET}@cam/1",
        f" rtsp ://user:{SECRET}@cam/1",
        f"rtsp:/user:{SECRET}@cam/1",
        f"rtsp:user:{SECRET}@cam/1",
        f"//user:{SECRET}@cam/1",
        f"user:{SECRET}@cam/1",
        f"user:{SECRET}@rtsp://cam/1",
    ],
)
def test_an_error_shows_no_password(text: str) -> None:
    with pytest.raises(RtactionError) as caught:
        parse_address(text)

    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://a:b@c/d", "rtsp://c/d"),
        ("rtsp://c/d?e=f", "rtsp://c/d?…"),
        ("rtsp://c/d?", "rtsp://c/d?…"),
        ("rtsp://c/\x1b[31md\x00e\x7f f", "rtsp://c/[31mdef"),
    ],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown
