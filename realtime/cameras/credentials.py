"""The addresses of a camera's table, with user and password from the environment.

Errors quote neither.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from rtaction.environment import from_environment
from rtaction.errors import UsageError
from rtaction.realtime.cameras.address import Address, parse_address

_PASSWORD_KEY = re.compile(r"pass|pwd|pw|token|secret|key|auth", re.IGNORECASE)


def address_of(table: dict[str, Any], where: str) -> Address:
    """Where the pictures to look at come from: `url` or `source`.

    Args:
        table: of the camera, with one of the two, and keys of the right types.
        where: names the file and the camera in errors.

    Raises:
        UsageError: it is no address, or user and password cannot be found.
        SourceMissing: there is no such device or file.
    """
    key = "url" if "url" in table else "source"
    address = _parsed(table, key, where)
    given = _given(table)
    if not given:
        return address
    if address.kind not in ("rtsp", "http"):
        raise UsageError(f"{where}: {given[0]}: only an rtsp:// or http:// address has a user")
    if _has_user(table[key]):
        raise UsageError(f"{where}: {given[0]}: the address has a user as well; expected only one")
    return _with_user(table, key, where)


def record_of(table: dict[str, Any], where: str) -> Address | None:
    """Where the pictures of clips come from: `record_url` or `record`, with the same user and
    password unless it names its own; None if that is not said.

    Args, Raises: as of `address_of`.
    """
    if "record_url" in table and "record" in table:
        raise UsageError(f"{where}: expected record_url or record, got both")
    key = "record_url" if "record_url" in table else "record"
    if key not in table:
        return None
    address = _parsed(table, key, where)
    if not _given(table) or address.kind not in ("rtsp", "http") or _has_user(table[key]):
        return address
    return _with_user(table, key, where)


def holds_password(table: dict[str, Any]) -> bool:
    """Whether a password stands in an address of a camera's table."""
    return any(
        _holds_password(table[key])
        for key in ("url", "source", "record_url", "record")
        if key in table
    )


def _given(table: dict[str, Any]) -> list[str]:
    return [key for key in ("username_env", "password_env") if key in table]


def _has_user(text: str) -> bool:
    return "@" in text.partition("://")[2]


def _parsed(table: dict[str, Any], key: str, where: str) -> Address:
    text: str = table[key]
    if key.endswith("url") and "://" not in text:
        other = "record" if key == "record_url" else "source"
        raise UsageError(
            f"{where}: {key}: expected an address such as rtsp://192.168.1.20/stream1; use {other} "
            "for a webcam, a file or a screen"
        )
    return parse_address(text, given_as=f"{where}: {key}")


def _with_user(table: dict[str, Any], key: str, where: str) -> Address:
    if "username_env" not in table:
        raise UsageError(f"{where}: password_env: it needs a user; set username_env as well")
    user = ":".join(_from_environment(table[one], f"{where}: {one}") for one in _given(table))
    scheme, _, rest = str(table[key]).partition("://")
    return parse_address(f"{scheme}://{user}@{rest}", given_as=f"{where}: {key}")


def _from_environment(variable: str, where: str) -> str:
    """The value of a variable, percent-encoded."""
    value = from_environment(variable, where, example="CAMERA_PASSWORD", may_be_empty=True)
    return quote(os.fsencode(value), safe="")


def _holds_password(text: str) -> bool:
    rest = text.partition("://")[2]
    user_and_password = rest.rpartition("@")[0]
    # Each part between two "=", and what follows it up to the next "&".
    parts = [part for one in re.split("[&;]", rest) for part in pairwise(one.split("="))]
    return ":" in user_and_password or any(
        value and _PASSWORD_KEY.search(re.split("[/?]", name)[-1]) for name, value in parts
    )
