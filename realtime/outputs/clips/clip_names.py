"""Names of files of events: `<UTC time>_<source>_<label>_<ending>`, which sort by time."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from rtaction.redaction import redact

_NAME = re.compile(r"(\d{8}T\d{6})\.(\d{3})Z_[A-Za-z0-9_-]+\.(?:mp4|mkv|jpg)")


def clip_stem(started_at: datetime, source: str, label: str, ending: str) -> str:
    """The name of an event's files, without suffix, valid on every file system.

    Args:
        started_at: when the event started.
        source: its name or address, which may contain a password: the name will not.
        label: the action.
        ending: letters, digits, _ and - that tell it from others of that time.
    """
    utc = started_at.astimezone(UTC)
    stamp = f"{utc:%Y%m%dT%H%M%S}.{utc.microsecond // 1000:03}Z"
    # The end of a path says more than its beginning.
    return f"{stamp}_{_slug(shown_source(source))[-40:].lstrip('-')}_{_slug(label)[:40]}_{ending}"


def began_at(name: str) -> datetime | None:
    """When the event of a file started, in UTC, from its name; None if `clip_stem` did not make it.

    Args:
        name: with the suffix .mp4, .mkv or .jpg.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        seconds = datetime.strptime(match[1], "%Y%m%dT%H%M%S")
    except ValueError:  # no such day
        return None
    return seconds.replace(microsecond=int(match[2]) * 1000, tzinfo=UTC)


def shown_source(source: str) -> str:
    """The name of a source, without the user and password of an address."""
    return redact(source) if "://" in source else source


def _slug(text: str) -> str:
    """Letters, digits and hyphens, valid on every file system; "x" if none are left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-") or "x"
