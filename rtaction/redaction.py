"""Remove users, passwords and queries from addresses, in whatever notation."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from rtaction.errors import ModelMissing
from rtaction.printable import printable

_HOST = re.compile(r"([\w.-]+|\[[\w.:%]+\])?(:\d{1,5})?")
# A URL in a text, without trailing punctuation; FFmpeg names its connections tcp:// and so on.
_URL = re.compile(
    r"\b(?:rtsps?|https?|tcp|udp|tls|rtp)://\S*?(?=[.,:;)\]}>'\"]*(?:\s|$))", re.IGNORECASE
)
SIGNS_OF_A_URL = re.compile(r"[@:=?&;#]|%3a|%40", re.IGNORECASE)
_HIDDEN = "…"
_MAX_SHORT = 3


def refuse_url(path: Path) -> None:
    """Refuse an address where a model file is expected, without repeating its password.

    Raises:
        ModelMissing: it is one.
    """
    # Path makes one slash of two; the scheme of "c:/" is a drive of Windows.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", path.as_posix()):
        raise ModelMissing("this is a URL; download the model and name the file")


def redact(url: str) -> str:
    """The part of a URL that may be displayed: scheme, host and path; no user, password or query.

    Cameras' passwords hold "@", "/", "?" and "#" unescaped, and some vendors put them into the path
    (`/user=admin&password=...`, `/admin:.../stream`). If the parts are ambiguous, only the scheme
    is kept.
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
    end = f"?{_HIDDEN}" if cut_at == "?" else _HIDDEN if cut_at else ""
    return f"{scheme}://{host}{path}{end}"


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Remove secrets from a text of another library, so that it may be displayed.

    A secret is found in upper and lower case, and also if some or all of its characters are
    percent-encoded or escaped as by `repr`. One of up to 3 characters is hidden only where
    credentials occur, after "=" or within quotes: hidden everywhere, an "a" would leave nothing
    readable. All other parts of a URL that may not be displayed are removed.

    Args:
        text: for example a message of FFmpeg.
        secrets: see `Address.secrets`.
    """
    for secret in sorted(set(secrets) - {""}, key=len, reverse=True):
        written = "".join(map(_written, secret))
        if len(secret) <= _MAX_SHORT:
            written = rf"(?<==){written}(?!\w)|(?<=['\"]){written}(?=['\"])"
        text = re.sub(written, _HIDDEN, text, flags=re.IGNORECASE)
    return _URL.sub(lambda url: redact(url.group()), text)


def _written(sign: str) -> str:
    """A regular expression for all notations of a character."""
    encoded = "".join(f"%{byte:02x}" for byte in sign.encode("utf-8", "surrogatepass"))
    ways = {sign, encoded, repr(sign)[1:-1], f"\\{sign}" if sign in "'\"" else sign}
    return f"(?:{'|'.join(re.escape(way) for way in sorted(ways, key=len, reverse=True))})"


def secrets_of(url: str) -> frozenset[str]:
    """All parts of a URL that `scrub` must hide, in every notation."""
    raw = set(_raw_secrets_of(url))
    # Bytes that are not valid text are displayed in one of these ways.
    decoded = {
        unquote(secret, errors=how) for secret in raw for how in ("replace", "surrogateescape")
    }
    encoded = {quote(secret, safe="", errors="surrogatepass") for secret in raw}
    return frozenset(raw | decoded | encoded) - {""}


def _raw_secrets_of(url: str) -> Iterator[str]:
    """All parts that may be a secret, for every possible reading of the URL."""
    rest = url.partition("://")[2]
    if _URL.fullmatch(url) is None:  # would not be found as a URL in a text
        yield from (url, rest)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    after = rest[len(authority) :]
    for end in {authority.rfind("@"), rest.rfind("@")} - {-1}:
        user, _, password = rest[:end].partition(":")
        basic = f"{unquote(user)}:{unquote(password)}".encode("utf-8", "surrogatepass")
        yield from (rest[:end], user, password, b64encode(basic).decode())
    # A value may contain "&" and "/" itself, so both readings count.
    yield from re.findall(r"=([^&;#/?]*)", after)
    yield from re.findall(r"(?s)=(.*?)(?=[&;][^&;=]*=|$)", after)
    yield from re.split(r"[?#]", after)[1:]
    yield from re.findall(r"(?s)[?#](.*)", after)
    for segment in after.split("/"):
        if ":" in segment:
            yield from segment.partition(":")[::2]
    user, colon, rest_of_path = after.partition(":")
    if colon:
        yield from (user[1:], user.strip("/"))
        yield from (rest_of_path[: slash.start()] for slash in re.finditer("/|$", rest_of_path))
