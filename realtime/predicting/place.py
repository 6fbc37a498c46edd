"""Where the videos of an archive are: on a disk that this machine sees, or behind an address.

Only `rtaction predict --ray` reads addresses. This module opens nothing.
"""

from __future__ import annotations

import re
from pathlib import PurePath, PurePosixPath

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):/+")


class UrlPath(PurePosixPath):
    """The address of a file or folder, such as s3://bucket/videos; a path has one slash of two."""

    def __str__(self) -> str:
        return _SCHEME.sub(r"\1://", super().__str__())


def url_of(place: PurePath) -> UrlPath | None:
    """The address that a path was made of; None for an ordinary path."""
    # One letter is a drive of Windows.
    return UrlPath(place.as_posix()) if _SCHEME.match(place.as_posix()) else None
