"""Addresses are understood, and what is shown of them holds no secret."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import av
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rtaction.errors import RtactionError, SourceMissing, UsageError
from rtaction.realtime.cameras.address import Address, parse_address, parse_addresses
from rtaction.realtime.cameras.credentials import _holds_password
from rtaction.redaction import redact, scrub

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
        ("https://cam/a.m3u8", "http", "https://cam/a.m3u8", "https://cam/a.m3u8"),
        ("https://cam/v", "http", "https://cam/v", "https://cam/v"),
        ("rtsp://[fe80::1]:554/1", "rtsp", "rtsp://[fe80::1]:554/1", "rtsp://[fe80::1]:554/1"),
        ("rtsp://u:pw@cam:554/1", "rtsp", "rtsp://u:pw@cam:554/1", "rtsp://cam:554/1"),
        ("http://cam/v?key=pw", "http", "http://cam/v?key=pw", "http://cam/v?…"),
        ("screen:", "screen", "", "screen"),
        ("screen:2", "screen", "2", "screen 2"),
        ("screen:-10,0,640,480", "screen", "-10,0,640,480", "screen -10,0,640,480"),
        ("screen: 1, 2, 3, 4", "screen", "1,2,3,4", "screen 1,2,3,4"),
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
        "rtmp://x",
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


@pytest.mark.parametrize(
    "text",
    [
        "screen:x",
        "screen:0",
        "screen:1,2,3",
        "screen:1,2,0,4",
        "screen:1,2,3,-4",
        "screen:1,2,3,4,5",
    ],
)
def test_a_screen_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(UsageError, match="LEFT,TOP,WIDTH,HEIGHT"):
        parse_address(text)


def touched(folder: Path, *names: str) -> list[str]:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [str(folder / name) for name in names]


def shown_of(addresses: list[Address], folder: Path) -> list[tuple[str, str]]:
    return [
        (address.kind, Path(str(address.target)).relative_to(folder).as_posix())
        for address in addresses
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", ["clip1.mp4", "clip2.MKV", "clip10.mp4"]),
        ("*.mp4", ["clip1.mp4", "clip10.mp4"]),
        ("clip?.*", ["clip1.mp4", "clip2.MKV"]),
        ("clip[12].*", ["clip1.mp4", "clip2.MKV"]),
        ("clip%d.mp4", ["clip1.mp4", "clip10.mp4"]),
        ("clip%02d.mp4", ["clip10.mp4"]),
        ("**/*.mp4", ["a2/x.mp4", "a10/x.mp4", "clip1.mp4", "clip10.mp4"]),
        ("clip10.mp4", ["clip10.mp4"]),
        ("*/", None),
        ("*.txt", None),
        ("*.webm", None),
        ("a3", None),
    ],
)
def test_several_videos(tmp_path: Path, pattern: str, found: list[str] | None) -> None:
    touched(tmp_path, "clip10.mp4", "clip2.MKV", "clip1.mp4", "cover.jpg", "a.txt", ".hidden.mp4")
    touched(tmp_path, "a10/x.mp4", "a2/x.mp4", "a3/notes.txt")
    text = os.path.join(tmp_path, pattern) if pattern else str(tmp_path)

    if found is None:
        with pytest.raises(SourceMissing, match="expected"):
            parse_addresses(text)
    else:
        assert shown_of(parse_addresses(text), tmp_path) == [("file", name) for name in found]


@pytest.mark.parametrize(
    "pattern",
    ["", "*.png", "%05d.png", "%d.png", "0*", "*"],
    ids=lambda pattern: pattern or "folder",
)
def test_pictures_are_one_source(tmp_path: Path, pattern: str) -> None:
    touched(tmp_path, "00001.png", "00002.png", "notes.txt")
    text = os.path.join(tmp_path, pattern) if pattern else str(tmp_path)

    assert parse_addresses(text) == [parse_address(text)] == [Address("images", text, text)]


def test_where_one_source_is_wanted_videos_are_not_chosen_from(tmp_path: Path) -> None:
    first, _ = touched(tmp_path, "clip1.mp4", "clip2.mp4")

    with pytest.raises(UsageError) as caught:
        parse_address(str(tmp_path))

    assert first in str(caught.value)


def test_a_file_may_be_named_like_a_pattern(tmp_path: Path) -> None:
    (text,) = touched(tmp_path, "clip[1] %d.mp4")

    assert parse_addresses(text) == [Address("file", text, text)]


@pytest.mark.parametrize("names", [[], ["notes.txt"], [".clip.mp4"], ["inner/clip.mp4"]])
def test_a_folder_without_videos_or_pictures(tmp_path: Path, names: list[str]) -> None:
    touched(tmp_path, *names)

    with pytest.raises(SourceMissing, match="is not a file, and matches neither videos nor images"):
        parse_addresses(str(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="elsewhere every name is Unicode")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"clip\xff.mp4")).touch()

    with pytest.raises(UsageError, match="not UTF-8"):
        parse_addresses(str(tmp_path))


def test_errors_say_what_was_given() -> None:
    with pytest.raises(SourceMissing, match=r"^url 'nosuch\.mp4': there is no such file"):
        parse_address("nosuch.mp4", given_as="url")


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
        f"{SECRET}://cam/1",
        f"rtsp:/cam/1?token={SECRET}",
        f"rtsp:/cam/user=admin&password={SECRET}&channel=1",
        f"cam/admin:{SECRET}/1",
        f"cam/v?user=a@b&password={SECRET}",
        f"//user:{SECRET}\udcff@cam/1",
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
        ("rtsp://c/d\u202ee\u2028", "rtsp://c/de"),
        ("rtsp://c/admin:pw/d", "rtsp://c/…"),
        ("rtsp://c/admin%3Apw/d", "rtsp://c/…"),
        ("rtsp://c?d", "rtsp://c?…"),
        ("rtsp://admin:pw/d", "rtsp://…"),
        ("rtsp://c:554/d;e", "rtsp://c:554/d…"),
        ("rtsp://kämera.example/d", "rtsp://kämera.example/d"),
        ("tcp://c:554?timeout=5", "tcp://c:554?…"),
        ("pw://c/d", "…"),
        ("pw", "…"),
    ],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown


def secrets_of(url: str) -> frozenset[str]:
    return parse_address(url).secrets


@pytest.mark.parametrize(
    ("url", "some", "none"),
    [
        ("rtsp://adm:p%40ss@cam/1", {"adm", "p%40ss", "p@ss", "adm:p@ss", "YWRtOnBAc3M="}, {"cam"}),
        ("rtsp://adm:p@ss@cam/1", {"adm", "p@ss", "p%40ss"}, {"cam"}),
        ("rtsp://adm:p/ss@cam/1", {"adm", "p/ss", "p%2Fss"}, {"cam"}),
        ("http://cam/v?token=a b", {"a b", "a%20b", "token=a b"}, {"cam", "token"}),
        ("http://cam/v?a=b&c=d", {"b", "d"}, {"cam", "a", "c"}),
        ("rtsp://cam/user=adm&password=p/w&channel=1", {"adm", "p/w", "1"}, {"cam", "user"}),
        ("rtsp://cam/adm:pw/1", {"adm", "pw"}, {"cam", "1"}),
    ],
)
def test_secrets(url: str, some: set[str], none: set[str]) -> None:
    assert some <= secrets_of(url)
    assert not none & secrets_of(url)


@pytest.mark.parametrize("text", ["rtsp://cam:554/live/1", "0", "screen:"])
def test_what_may_be_shown_has_no_secrets(text: str) -> None:
    assert parse_address(text).secrets == frozenset()


URL = f"rtsp://adm:{SECRET}@cam:554/live?token=ab"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("nothing of it", "nothing of it"),
        (f"'{URL}': refused", "'rtsp://cam:554/live?…': refused"),
        (f"({URL}).", "(rtsp://cam:554/live?…)."),
        (f"{URL.upper()} x", "RTSP://CAM:554/LIVE?… x"),
        (f"password {SECRET}!", "password …!"),
        ("S3CRET %733cret s3%63ret", "… … …"),
        ("Authorization: Basic YWRtOnMzY3JldA==", "Authorization: Basic …"),
        # A secret of up to 3 characters is hidden only where credentials stand.
        ("admit the cab: user=adm, token='ab'", "admit the cab: user=…, token='…'"),
        ("another http://u:pw@cam/x?y", "another http://cam/x?…"),
        ("tcp://cam:554?timeout=5 timed out", "tcp://cam:554?… timed out"),
    ],
)
def test_scrub(text: str, scrubbed: str) -> None:
    assert scrub(text, secrets_of(URL)) == scrubbed


def test_scrub_takes_any_secrets() -> None:
    assert scrub("a b c abcd", ["", "a", "abcd"]) == "a b c …"


@pytest.mark.parametrize("password", [*PASSWORDS, f"a'{SECRET}", f'"{SECRET}', f"\\'{SECRET} \""])
def test_an_error_of_ffmpeg_is_scrubbed(password: str) -> None:
    # Port 9 is that of a service which discards all it is sent, and which nobody runs.
    url = f"rtsp://admin:{password}@127.0.0.1:9/live"
    with pytest.raises(av.error.FFmpegError, match=SECRET) as caught:
        av.open(url, timeout=5.0)

    for text in (str(caught.value), repr(caught.value)):
        assert SECRET not in scrub(text, secrets_of(url))


PUBLIC = "Address(rtsp://https://192.168.1.9:554/live/ch1?…&channel=1 user= password= token= http)"
SIGNS = st.one_of(
    st.sampled_from("@/?#:;&=+%\\'\" \t\n[]"), st.characters(exclude_characters="…*", codec="utf-8")
)
WORDS = st.text(SIGNS, max_size=12)
FORMS: list[Callable[[str, str, str], str]] = [
    lambda user, password, token: f"{user}:{password}@192.168.1.9:554/live/ch1",
    lambda user, password, token: f"{user}:{password}@192.168.1.9/live/ch1?token={token}",
    lambda user, password, token: f"192.168.1.9/live?user={user}&password={password}&token={token}",
    lambda user, password, token: f"192.168.1.9/user={user}&password={password}&channel=1",
    lambda user, password, token: f"192.168.1.9:554/{user}:{password}/ch1",
]
ENCODINGS: list[Callable[[str], str]] = [
    str,
    lambda secret: quote(secret, safe="", errors="surrogatepass"),
    lambda secret: quote(secret, safe="@:/ ", errors="surrogatepass"),
]
TYPING_ERRORS: list[Callable[[str, str], str]] = [
    lambda scheme, rest: f"{scheme}:/{rest}",
    lambda scheme, rest: f"{scheme}:{rest}",
    lambda scheme, rest: f"//{rest}",
    lambda scheme, rest: rest,
    lambda scheme, rest: f" {scheme}://{rest}",
    lambda scheme, rest: f"{scheme[1:]}://{rest}",
    lambda scheme, rest: f"x{scheme}://{rest}",
]


def long_secrets(words: tuple[str, str, str], rest: str, public: str) -> list[str]:
    """Those of the words that are in the address and cannot also be read in what is public."""
    found = [
        way
        for word in words
        for way in {encode(word) for encode in ENCODINGS}
        if len(word) >= 4 and (way in rest or word == way)
    ]
    assume(not any(way in public for way in found))
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["rtsp", "https"]),
    st.sampled_from(FORMS),
    st.sampled_from(ENCODINGS),
    st.tuples(WORDS, WORDS, WORDS),
)
@example("rtsp", FORMS[0], ENCODINGS[0], ("ad/min", "p@s/s?w#d:", ""))
@example("rtsp", FORMS[4], ENCODINGS[0], ("ad?min", "p/ss'\n\"w", ""))
@example("https", FORMS[2], ENCODINGS[2], ("a@b.org", "x&y=z", "\ud800abc"))
def test_no_secret_of_any_address_is_shown(
    scheme: str,
    form: Callable[[str, str, str], str],
    encode: Callable[[str], str],
    words: tuple[str, str, str],
) -> None:
    rest = form(*map(encode, words))
    url = f"{scheme}://{rest}"

    address = parse_address(url)

    shown = [redact(url), address.name, repr(address), str([address])]
    shown += [
        scrub(f"{{ {text} }}", address.secrets) for text in (url, repr(url), rest, repr(rest))
    ]
    if encode is ENCODINGS[1]:  # the only one by which it is sure where a secret ends
        shown += [scrub(word, address.secrets) for word in words if encode(word) in rest]
    for secret in long_secrets(words, rest, f"{{ {PUBLIC} }}"):
        assert not [text for text in shown if secret in text]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["rtsp", "https"]),
    st.sampled_from(FORMS),
    st.sampled_from(ENCODINGS),
    st.tuples(WORDS, WORDS, WORDS),
    st.sampled_from(TYPING_ERRORS),
)
def test_no_secret_of_any_mistaken_address_is_shown(
    tmp_path_factory: pytest.TempPathFactory,
    scheme: str,
    form: Callable[[str, str, str], str],
    encode: Callable[[str], str],
    words: tuple[str, str, str],
    mistake: Callable[[str, str], str],
) -> None:
    rest = form(*map(encode, words))
    benign = [mistake(scheme, form("user", "pass", "token")), "screen:x", "ftp://x", "x"]
    with contextlib.chdir(tmp_path_factory.getbasetemp()):
        shown = outcome_of(mistake(scheme, rest))
        public = " ".join(map(outcome_of, benign))

    for secret in long_secrets(words, rest, f"{public} {PUBLIC}"):
        assert secret not in shown


def outcome_of(text: str) -> str:
    """All that may be shown after a source was given."""
    try:
        return repr(parse_address(text))
    except RtactionError as error:
        return f"{error} {error!r}"


PIECES = st.lists(st.text("wxyzqkj", min_size=5, max_size=8), min_size=2, max_size=5, unique=True)
JOINTS = st.lists(st.sampled_from("@/?#:&;=%'\" +"), min_size=4, max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FORMS), st.sampled_from(ENCODINGS), PIECES, JOINTS)
@example(FORMS[4], ENCODINGS[0], ["wwwww", "xxxxx", "zzzzz"], ["@", "/", "@", "@"])
@example(FORMS[0], ENCODINGS[0], ["wwwww", "xxxxx", "zzzzz"], ["/", "@", "@", "@"])
@example(FORMS[2], ENCODINGS[0], ["wwwww", "xxxxx"], ["@", "@", "@", "@"])
@example(FORMS[2], ENCODINGS[0], ["wwwww", "xxxxx", "yyyyy", "zzzzz"], ["@", "&", "=", "@"])
def test_no_tail_of_a_password_is_shown(
    form: Callable[[str, str, str], str],
    encode: Callable[[str], str],
    pieces: list[str],
    joints: list[str],
) -> None:
    """FFmpeg takes signs in a password for the end of the host, the path or the user."""
    password = pieces[0] + "".join(map("".join, zip(joints, pieces[1:], strict=False)))
    address = parse_address(f"rtsp://{form('viewer', encode(password), 'token')}")
    ends = [1, *(joint in "@/?#:&;= " for joint in joints)]  # where FFmpeg may cut
    tails = [
        password[password.index(piece) :]
        for piece, is_end in zip(pieces, ends, strict=False)
        if is_end
    ]

    for tail in tails:
        for told in (tail, repr(tail), quote(tail, safe=""), f"/{tail}/ch1", f"x@{tail}"):
            shown = scrub(f"no host at {told}, gone", address.secrets)
            named = [piece for piece in pieces if piece in shown]
            assert not named, shown
            assert shown.startswith("no host at ")


SHORT_PIECES = ["p@s/s@w", "a/b@c", "1@2@3", "x?y@z", "a#b:c@d", "50%/@a"]


@pytest.mark.parametrize("password", SHORT_PIECES)
@pytest.mark.parametrize("form", FORMS[:1] + FORMS[4:])
def test_short_pieces_of_a_password_are_not_shown_together(
    password: str, form: Callable[[str, str, str], str]
) -> None:
    secrets = parse_address(f"rtsp://{form('viewer', password, 'token')}").secrets

    for start in range(len(password) - 2):
        tail = password[start:]
        if tail[0].isalnum() and not tail.isalnum():
            assert tail not in scrub(f"no host at {tail}", secrets)


@pytest.mark.parametrize("sign", ["@", "/:", "=&", "%40", ")", "rtsp://", "pass"])
def test_addresses_of_any_length_take_time_in_proportion(sign: str) -> None:
    """Ten times the length takes ten times as long, not a hundred times."""

    def seconds_for(length: int) -> float:
        text = f"rtsp://u:{(sign * length)[:length]}@camera/live"
        begun_seconds = time.process_time()
        scrub(text, parse_address(text).secrets)
        _holds_password(text)
        return time.process_time() - begun_seconds

    short_seconds = min(seconds_for(4000) for _ in range(3))

    assert seconds_for(40_000) < 50 * short_seconds
