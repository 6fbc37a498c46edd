"""Where the videos of an archive are: on a disk that this machine sees, or behind an address.

Only `rtaction predict --ray` reads addresses. This module opens nothing.
"""

from __future__ import annotations

import re
from pathlib import PurePath, PurePosixPath

from rtaction.redaction import redact

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):/+")


class UrlPath(PurePosixPath):
    """The address of a file or folder, such as s3://bucket/videos; a path has one slash of two."""

    def __str__(self) -> str:
        return _SCHEME.sub(_with_slashes, super().__str__())


def shown(url: str) -> str:
    """An address as it may be shown, without its options, or whatever may be a password."""
    hidden = redact(url)
    is_plain = "://" not in hidden and "@" not in url  # of no camera
    return url.partition("?")[0] if is_plain else hidden


def _with_slashes(scheme: re.Match[str]) -> str:
    return f"{scheme[1]}:///" if scheme[1] == "file" else f"{scheme[1]}://"


def url_of(place: PurePath) -> UrlPath | None:
    """The address that a path was made of; None for an ordinary path."""
    # One letter is a drive of Windows.
    return UrlPath(place.as_posix()) if _SCHEME.match(place.as_posix()) else None
