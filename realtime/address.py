"""What a person may give as `--source`, and what of it may be shown.

Only the schemes listed here are ever opened: FFmpeg would also take `concat:`, `subfile:` and
others that read local files.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rtaction.errors import SourceMissing, UsageError
from rtaction.video import require_utf8

Kind = Literal["webcam", "file", "rtsp", "http"]
_SCHEMES: dict[str, Kind] = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"}


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where frames come from.

    Args:
        kind: how to open it.
        target: what to open; may hold a password, so it is never shown.
        name: what to show of it; holds no password.
    """

    kind: Kind
    target: str | int
    name: str

    def __repr__(self) -> str:
        return f"Address({self.kind}, {self.name})"


def parse_address(text: str) -> Address:
    """Understand a `--source`.

    Args:
        text: a webcam's number ("0") or device ("/dev/video0"), a video file, or an address that
            starts with rtsp://, rtsps://, http:// or https://.

    Raises:
        UsageError: another scheme, or nothing.
        SourceMissing: no such device or file.
    """
    if re.fullmatch(r"\d{1,4}", text):
        return Address("webcam", int(text), f"webcam {int(text)}")
    scheme, separator, _ = text.partition("://")
    if separator:
        kind = _SCHEMES.get(scheme.lower())
        if kind is None:
            # Something else before "://" may be a password and a typing error.
            named = f" of the kind {scheme!r}" if scheme.isalnum() else " like this"
            known = ", ".join(f"{one}://" for one in _SCHEMES)
            raise UsageError(
                f"--source: cannot open addresses{named}; expected one of {known}, a webcam's "
                "number or a file"
            )
        return Address(kind, text, redact(text))
    path = Path(text)
    require_utf8(path)
    if not text or not os.path.exists(text):  # unlike Path.exists, False for a name too long
        raise SourceMissing(
            f"--source {_shown(text)}: there is no such file; expected a webcam's number such as "
            "0, a video file, or an address such as rtsp://camera/stream"
        )
    if path.is_char_device():
        # OpenCV opens V4L devices by number; /dev/v4l/by-id/... are links to /dev/videoN.
        number = re.fullmatch(r"/dev/video(\d+)", os.path.realpath(path))
        return Address("webcam", int(number.group(1)) if number else text, text)
    if not path.is_file():
        raise SourceMissing(f"--source {_shown(text)} is no file; expected a video file")
    return Address("file", text, text)


def redact(url: str) -> str:
    """The part of a URL that may be shown: scheme, host and path; no user, password or query.

    Cameras' passwords hold "@", "/", "?" and "#" unescaped, and some vendors put them into the path
    (`/user=admin&password=...`). Where it cannot be told what is what, only the scheme is shown.
    """
    scheme, _, rest = url.partition("://")
    rest = re.sub(r"[\x00-\x20\x7f]", "", rest)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    after = rest[len(authority) :]
    if "@" in after:
        return f"{scheme}://…"
    path = re.split(r"[?#=&;]", after, maxsplit=1)[0]
    cut = "" if path == after else "?…" if after[len(path)] == "?" else "…"
    return f"{scheme}://{authority.rpartition('@')[2]}{path}{cut}"


def _shown(text: str) -> str:
    """A mistaken source as an error may show it: it may be a URL with a typing error in it."""
    before, at, after = text.rpartition("@")
    return repr(f"…@{after}" if before and at else text)
