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
            raise UsageError(
                f"--source: cannot open addresses of the kind {scheme!r}; expected one of "
                f"{', '.join(f'{known}://' for known in _SCHEMES)}, a webcam's number or a file"
            )
        return Address(kind, text, redact(text))
    path = Path(text)
    if not text or not path.exists():
        raise SourceMissing(
            f"--source {text!r}: there is no such file; expected a webcam's number such as 0, "
            "a video file, or an address such as rtsp://camera/stream"
        )
    if path.is_char_device():
        # OpenCV opens V4L devices by number; /dev/v4l/by-id/... are links to /dev/videoN.
        number = re.fullmatch(r"/dev/video(\d+)", os.path.realpath(path))
        return Address("webcam", int(number.group(1)) if number else text, text)
    if not path.is_file():
        raise SourceMissing(f"--source {text!r} is no file; expected a video file")
    return Address("file", text, text)


def redact(url: str) -> str:
    """The part of a URL that may be shown: no user, no password, no query."""
    scheme, _, rest = url.partition("://")
    # A password may itself hold "@", "/" or "?", so the last "@" of all ends the credentials.
    rest = rest.rpartition("@")[2]
    bare, mark, _ = re.sub(r"[\x00-\x20\x7f]", "", rest).partition("?")
    return f"{scheme}://{bare}{'?…' if mark else ''}"
