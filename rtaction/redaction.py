"""Remove users, passwords and queries from addresses, in whatever notation."""

from __future__ import annotations

import codecs
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, unquote

from rtaction.printable import printable
from rtaction.random_words import looks_random

_HOST = re.compile(r"([\w.-]+|\[[\w.:%]+\])?(:\d{1,5})?")
# FFmpeg names its connections tcp:// and so on.
_URL = re.compile(r"\b(?:rtsps?|https?|tcp|udp|tls|rtp)://\S*", re.IGNORECASE)
_PUNCTUATION = ".,:;)]}>'\""
_DELIMITERS = re.compile(r"[/?#@:&;=\s]")
SIGNS_OF_A_URL = re.compile(r"[@:=?&;#]|%3a|%40", re.IGNORECASE)
# Names in queries that tell nothing; any other after the first "=" may be part of a password.
_PUBLIC_NAMES = frozenset(
    [
        "user",
        "username",
        "usr",
        "login",
        "password",
        "passwd",
        "pass",
        "pwd",
        "token",
        "key",
        "auth",
        "channel",
        "subtype",
        "stream",
        "profile",
        "resolution",
        "width",
        "height",
        "fps",
    ]
)
_HIDDEN = "…"
_MAX_SHORT = 3
_PERCENT = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
_ESCAPE = re.compile(
    r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt\\'\"])", re.IGNORECASE | re.ASCII
)


def redact(url: str) -> str:
    """The part of a URL that may be displayed: scheme, host and path; no user, password or query.

    Cameras' passwords hold "@", "/", "?" and "#" unescaped, and some vendors put them into the path
    (`/user=admin&password=...`, `/admin:.../stream`), or a key (`/4pRpmGyLx4kCWzcQ`). If the parts
    are ambiguous, only the scheme is kept.
    """
    scheme, _, rest = url.partition("://")
    if _URL.match(f"{scheme}://") is None:
        return _HIDDEN
    rest = "".join(printable(rest, instead="").split())
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host, after = authority.rpartition("@")[2], rest[len(authority) :]
    if "@" in after or _HOST.fullmatch(host) is None:
        return f"{scheme}://{_HIDDEN}"
    path = re.split(r"[?#=&;]", after, maxsplit=1)[0]
    cut_at = after[len(path) :][:1]
    if ":" in after or SIGNS_OF_A_URL.search(path):
        path, cut_at = "/", _HIDDEN
    path = "/".join(_HIDDEN if looks_random(one) else one for one in path.split("/"))
    end = f"?{_HIDDEN}" if cut_at == "?" else _HIDDEN if cut_at else ""
    return f"{scheme}://{host}{path}{end}"


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Remove secrets from a text of another library, so that it may be displayed.

    A secret is found in upper and lower case, and also if some or all of its characters are
    percent-encoded, or the text is escaped as by `repr`. A word of up to 3 characters is hidden
    only where credentials occur, after "=" or within quotes: hidden everywhere, an "a" would leave
    nothing readable. All other parts of a URL that may not be displayed are removed.

    Args:
        text: for example a message of FFmpeg.
        secrets: see `Address.secrets`.
    """
    wanted = set(secrets) - {""}
    hidden = bytearray(len(text))
    for view in _views(text):
        for secret in {view.of_secret(one) for one in wanted} - {""}:
            for start, end in view.places(secret):
                hidden[start:end] = b"\x01" * (end - start)
    shown, at = "", 0
    for run in re.finditer(rb"\x01+", hidden):
        shown += text[at : run.start()] + _HIDDEN
        at = run.end()
    return _URL.sub(_redacted, shown + text[at:])


def _redacted(url: re.Match[str]) -> str:
    text = url.group().rstrip(_PUNCTUATION)
    return redact(text) + url.group()[len(text) :]


class _View:
    """A text as a reader of its notation sees it, in lower case, and where that stands in it.

    Args:
        text: the text.
        escapes: whether backslashes are those of `repr`.
        percents: whether "%40" is "@".
    """

    def __init__(self, text: str, *, escapes: bool, percents: bool) -> None:
        self._percents = percents
        spans = [(sign, at, at + 1) for at, sign in enumerate(text)]
        if escapes:
            spans = _decoded(spans, _ESCAPE, _unescaped)
        if percents:
            spans = _decoded(spans, _PERCENT, _unquoted)
        self._spans = spans
        self._text = "".join(_lower(sign) for sign, _, _ in spans)

    def of_secret(self, secret: str) -> str:
        """A secret in the same notation; it is never escaped as by `repr` itself."""
        if self._percents:
            spans = [(sign, at, at + 1) for at, sign in enumerate(secret)]
            secret = "".join(sign for sign, _, _ in _decoded(spans, _PERCENT, _unquoted))
        return "".join(map(_lower, secret))

    def places(self, secret: str) -> Iterator[tuple[int, int]]:
        """Start and end of each place of the text that must be hidden."""
        at = self._text.find(secret)
        while at >= 0:
            end = at + len(secret)
            if not secret.isalnum() or len(secret) > _MAX_SHORT or self._is_credential(at, end):
                yield self._spans[at][1], self._spans[end - 1][2]
            at = self._text.find(secret, at + 1)

    def _is_credential(self, start: int, end: int) -> bool:
        before, after = self._text[start - 1 : start], self._text[end : end + 1]
        is_value = before == "=" and not (after.isalnum() or after == "_")
        return is_value or (before in ("'", '"') and after in ("'", '"'))


_Span = tuple[str, int, int]
"""A character, and the start and end of what stands for it in the text."""


def _views(text: str) -> Iterator[_View]:
    for escapes in {False, "\\" in text}:
        for percents in (False, True):
            yield _View(text, escapes=escapes, percents=percents)


def _decoded(
    spans: list[_Span], pattern: re.Pattern[str], decode: Callable[[str], list[tuple[str, int]]]
) -> list[_Span]:
    """Replace what a pattern matches by what it stands for; `decode` gives signs and lengths."""
    text = "".join(sign for sign, _, _ in spans)
    made: list[_Span] = []
    at = 0
    for match in pattern.finditer(text):
        made += spans[at : match.start()]
        at = match.start()
        for sign, length in decode(match.group()):
            made.append((sign, spans[at][1], spans[at + length - 1][2]))
            at += length
    return made + spans[at:]


def _unquoted(text: str) -> list[tuple[str, int]]:
    """The characters of percent-encoded bytes, and how long each of them is written."""
    decoded = bytes.fromhex(text.replace("%", "")).decode("utf-8", _ANY_BYTES)
    return [(sign, 3 * len(sign.encode("utf-8", _ANY_BYTES))) for sign in decoded]


def _unescaped(text: str) -> list[tuple[str, int]]:
    if text[1] in "xuU" and len(text) > 2:
        code = int(text[2:], 16)
        return [(chr(code) if code < 0x110000 else text, len(text))]
    named = {"n": "\n", "r": "\r", "t": "\t"}
    return [(named.get(text[1], text[1]), len(text))]


def _any_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Surrogates as they are, and other bytes that are no text as single surrogates."""
    try:
        return codecs.lookup_error("surrogatepass")(error)
    except UnicodeError:
        return codecs.lookup_error("surrogateescape")(error)


_ANY_BYTES = "rtaction-any-bytes"
codecs.register_error(_ANY_BYTES, _any_bytes)


def _lower(sign: str) -> str:
    lower = sign.lower()
    return lower if len(lower) == 1 else sign


def secrets_of(url: str) -> frozenset[str]:
    """All parts of a URL that `scrub` must hide, in every notation."""
    words = set(_words_of(url))
    words |= {unquote(word, errors="surrogateescape") for word in words}
    raw = words | set(_wholes_of(url)) | {part for word in words for part in _parts(word)}
    # Bytes that are not valid text are displayed in one of these ways.
    decoded = {
        unquote(secret, errors=how) for secret in raw for how in ("replace", "surrogateescape")
    }
    encoded = {quote(secret, safe="", errors="surrogatepass") for secret in raw}
    return frozenset(raw | decoded | encoded) - {""}


def _wholes_of(url: str) -> Iterator[str]:
    """All parts that contain a secret, for every possible reading of the URL."""
    rest, after = _rest_of(url)
    if _URL.fullmatch(url) is None:  # would not be found as a URL in a text
        yield from (url, rest)
    for userinfo in _userinfos(rest, after):
        yield userinfo
        user, _, password = userinfo.partition(":")
        basic = f"{unquote(user)}:{unquote(password)}".encode("utf-8", "surrogatepass")
        yield b64encode(basic).decode()
    yield from re.split(r"[?#;]", after)[1:]
    start = re.search(r"[?#&;]", after)
    if start is not None:
        yield after[start.end() :]


def _words_of(url: str) -> Iterator[str]:
    """All users, passwords and values, for every possible reading of the URL."""
    rest, after = _rest_of(url)
    for userinfo in _userinfos(rest, after):
        yield from userinfo.partition(":")[::2]
    # A value may contain "&" and "/" itself, so both readings count.
    yield from re.findall(r"=([^&;#/?]*)", after)
    yield from _values(after)
    yield from filter(looks_random, re.split(r"[/?#&;=]", after))
    names = re.findall(r"[&;]([^&;=]*)(?==)", after.partition("=")[2])
    yield from (
        name for name in names if len(name) > _MAX_SHORT and name.lower() not in _PUBLIC_NAMES
    )
    for segment in after.split("/"):
        if ":" in segment:
            yield from segment.partition(":")[::2]
    user, colon, rest_of_path = after.partition(":")
    if colon:
        # Any "/" may be the end of the password.
        yield from (user[1:], user.strip("/"), rest_of_path, rest_of_path.partition("/")[0])


def _rest_of(url: str) -> tuple[str, str]:
    """What follows the scheme, and what follows the host."""
    rest = url.partition("://")[2]
    return rest, rest[len(re.split(r"[/?#]", rest, maxsplit=1)[0]) :]


def _userinfos(rest: str, after: str) -> Iterator[str]:
    authority = rest[: len(rest) - len(after)]
    for end in {authority.rfind("@"), rest.rfind("@")} - {-1}:
        yield rest[:end]


def _values(query: str) -> Iterator[str]:
    """The values of a query whose values may contain "&" and ";"."""
    first = query.find("=")
    if first < 0:
        return
    names = list(re.compile(r"[&;][^&;=]*=").finditer(query, first))
    begins = [first + 1, *(name.end() for name in names)]
    ends = [*(name.start() for name in names), len(query)]
    yield from (query[begin:end] for begin, end in zip(begins, ends, strict=True))


def _parts(secret: str) -> Iterator[str]:
    """Pieces of a secret, and each two in a row.

    FFmpeg takes "/", "?", "#" and "@" in a password for the end of something, and tells the rest of
    it on its own. Pieces that are short words may be anything; with a neighbour they are not.
    """
    cuts = [(cut.start(), cut.end()) for cut in _DELIMITERS.finditer(secret)]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(secret)]
    for number, start in enumerate(starts):
        if ends[number] - start > _MAX_SHORT:
            yield secret[start : ends[number]]
        if number:
            pair = secret[starts[number - 1] : ends[number]]
            if any(sign.isalnum() for sign in pair):
                yield pair
