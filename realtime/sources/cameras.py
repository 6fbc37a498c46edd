"""One camera, with what the runtime needs of it, and the file that lists several.

This file opens no camera.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote

from rtaction.errors import UsageError
from rtaction.realtime.sources.address import Address, parse_address, parse_addresses
from rtaction.realtime.sources.view import View

Transport = Literal["tcp", "udp"]

OPEN_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 3.0

_OPTIONS = ("transport", "open_timeout_seconds", "read_timeout_seconds")
_NUMBER = (int, float)
_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "url": str,
    "source": str,
    "username_env": str,
    "password_env": str,
    "roi": list,
    "rotation": int,
    "mirror": bool,
    "transport": str,
    "open_timeout_seconds": _NUMBER,
    "read_timeout_seconds": _NUMBER,
}
_TYPE_NAMES: dict[type | tuple[type, ...], str] = {
    str: "a text in quotes",
    list: "a list of four numbers",
    int: "a whole number",
    bool: "true or false",
    _NUMBER: "a number",
}
_PASSWORD_KEY = re.compile(r"(pass|pwd|pw|token|secret|key|auth)[^=/?&;]*=[^&;]", re.IGNORECASE)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Camera:
    """What the runtime needs of one source.

    Args:
        address: where its pictures come from.
        name: what it is called; tells it from the others.
        view: which part of its pictures counts, and which way up. Default: all, as they come.
        transport: how RTSP carries the pictures. "tcp" loses none; "udp" is for cameras that offer
            nothing else. Default "tcp".
        open_timeout_seconds: how long it may take to answer, above 0. Default 5.0.
        read_timeout_seconds: how long it may be silent, above 0. Default 3.0.

    Raises:
        ValueError: another transport, or a time-out that is not above 0.
    """

    address: Address
    name: str
    view: View = field(default_factory=View)
    transport: Transport = "tcp"
    open_timeout_seconds: float = OPEN_TIMEOUT_SECONDS
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        if self.transport not in get_args(Transport):
            raise ValueError(f'transport must be "tcp" or "udp", got {self.transport!r}')
        for key in ("open_timeout_seconds", "read_timeout_seconds"):
            if not 0 < getattr(self, key) < math.inf:
                raise ValueError(
                    f"{key} must be a number of seconds above 0, got {getattr(self, key)}"
                )


@dataclass(frozen=True, slots=True)
class CamerasFile:
    """What a cameras.toml says.

    Args:
        cameras: at least one, their names different.
        actions: the table [actions] as it stands there, unchecked; empty where there is none.
    """

    cameras: list[Camera]
    actions: dict[str, Any]


def cameras_of(texts: Sequence[str]) -> list[Camera]:
    """The cameras that the sources on a command line name.

    Args:
        texts: see `parse_addresses`.

    Returns:
        In the order given. Of equal names all but the first are numbered: "webcam 0 (2)".

    Raises:
        UsageError, SourceMissing: as by `parse_addresses`.
    """
    names: set[str] = set()
    addresses = [address for text in texts for address in parse_addresses(text)]
    return [Camera(address, _unused(address.name, names)) for address in addresses]


def load_cameras(path: Path) -> CamerasFile:
    """Read a cameras.toml.

    Paths in it are relative to the working directory. User names and passwords are best named by
    `username_env` and `password_env`, and then read from the environment.

    Args:
        path: the file.

    Raises:
        UsageError: the file cannot be read or meant; names the camera and the key.
        SourceMissing: no such device or video file.
    """
    document = _read(path)
    unknown = sorted(set(document) - {"actions", "camera"})
    if unknown:
        raise UsageError(
            f"{path}: unknown key {unknown[0]!r}; expected one [[camera]] for each camera, and "
            "perhaps [actions]"
        )
    actions, tables = document.get("actions", {}), document.get("camera", [])
    if not isinstance(actions, dict):
        raise UsageError(f"{path}: actions: expected a table, written [actions]")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path}: camera: expected one table for each, written [[camera]]")
    if not tables:
        raise UsageError(f'{path}: no camera in it; expected [[camera]] and url = "rtsp://..."')
    wheres = [_where(path, number, table) for number, table in enumerate(tables, 1)]
    for table, where in zip(tables, wheres, strict=True):
        _check_keys(table, where)
    names = _checked_names(tables, wheres)
    cameras = [
        _camera(table, where, _address(table, where), names)
        for table, where in zip(tables, wheres, strict=True)
    ]
    _warn_of_passwords(path, tables, cameras)
    return CamerasFile(cameras, actions)


def _read(path: Path) -> dict[str, Any]:
    try:
        # Windows' Notepad starts a file with a byte order mark.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"the cameras file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the cameras file {path} is no UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the cameras file {path} is no TOML: {error}") from None


def _where(path: Path, number: int, table: dict[str, Any]) -> str:
    name = table.get("name")
    return f"{path}, camera {number}" + (f" ({name!r})" if isinstance(name, str) else "")


def _check_keys(table: dict[str, Any], where: str) -> None:
    for key, value in table.items():
        if key.lower() in ("password", "passwd", "pass", "pwd"):
            raise UsageError(
                f"{where}: {key}: a password does not belong in this file; put it into a variable "
                'of the environment and name that here: password_env = "CAMERA_PASSWORD"'
            )
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key!r}; expected one of {', '.join(_KEYS)}")
        expected = _KEYS[key]
        # To Python, true is a whole number as well. The value may be a secret.
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise UsageError(f"{where}: {key}: expected {_TYPE_NAMES[expected]}")
    if ("url" in table) == ("source" in table):
        came = "both" if "url" in table else "neither"
        raise UsageError(
            f'{where}: expected either url = "rtsp://..." or source = "0" (a webcam, a file, a '
            f"screen), got {came}"
        )


def _checked_names(tables: list[dict[str, Any]], wheres: list[str]) -> set[str]:
    names: set[str] = set()
    for table, where in zip(tables, wheres, strict=True):
        name = table.get("name")
        if name is None:
            continue
        if name in names:
            raise UsageError(f"{where}: name: another camera is called so; give each its own")
        if not name.strip() or not name.isprintable():
            raise UsageError(f"{where}: name: expected a text of one line that can be printed")
        names.add(name)
    return names


def _address(table: dict[str, Any], where: str) -> Address:
    key = "url" if "url" in table else "source"
    text: str = table[key]
    if key == "url" and "://" not in text:
        raise UsageError(
            f"{where}: url: expected an address such as rtsp://192.168.1.20/stream1; a webcam, a "
            "file or a screen is given by source"
        )
    address = parse_address(text, given_as=f"{where}: {key}")
    given = [key for key in ("username_env", "password_env") if key in table]
    if not given:
        return address
    if address.kind not in ("rtsp", "http"):
        raise UsageError(f"{where}: {given[0]}: only an rtsp:// or http:// address has a user")
    scheme, _, rest = text.partition("://")
    if "@" in rest:
        raise UsageError(f"{where}: {given[0]}: the address names a user as well; expected one")
    if "username_env" not in table:
        raise UsageError(f"{where}: password_env: there is no user to it; expected username_env")
    userinfo = ":".join(_from_environment(table[key], f"{where}: {key}") for key in given)
    return parse_address(f"{scheme}://{userinfo}@{rest}", given_as=f"{where}: url")


def _from_environment(variable: str, where: str) -> str:
    """The value of a variable, percent-encoded."""
    value = os.environ.get(variable)
    if value is None:
        # The commonest mistake is to write the password itself there.
        named = f" {variable}" if re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable) else ""
        raise UsageError(
            f"{where}: the environment variable{named} is not set; expected the name of a variable "
            "that holds it, such as CAMERA_PASSWORD"
        )
    return quote(os.fsencode(value), safe="")


def _camera(table: dict[str, Any], where: str, address: Address, names: set[str]) -> Camera:
    roi = table.get("roi")
    if roi is not None and any(type(edge) not in (int, float) for edge in roi):
        raise UsageError(f"{where}: roi: expected {_TYPE_NAMES[list]}")
    name = table["name"] if "name" in table else _unused(address.name, names)
    options = {key: table[key] for key in _OPTIONS if key in table}
    try:
        view = View(
            tuple(roi) if roi is not None else None,
            table.get("rotation", 0),
            table.get("mirror", False),
        )
        return Camera(address, name, view, **options)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _unused(name: str, names: set[str]) -> str:
    """The name, or where it is taken the first of "name (2)", "name (3)" that is not; takes it."""
    numbered = (name if number == 1 else f"{name} ({number})" for number in itertools.count(1))
    chosen = next(candidate for candidate in numbered if candidate not in names)
    names.add(chosen)
    return chosen


def _warn_of_passwords(path: Path, tables: list[dict[str, Any]], cameras: list[Camera]) -> None:
    named = [
        camera.name
        for table, camera in zip(tables, cameras, strict=True)
        if _holds_password(table.get("url", table.get("source", "")))
    ]
    if named:
        _log.warning(
            "%s holds a password in the address of %s; whoever reads the file has it. Safer: "
            "username_env and password_env",
            *(path, ", ".join(named)),
        )


def _holds_password(text: str) -> bool:
    rest = text.partition("://")[2]
    user_and_password = rest.rpartition("@")[0]
    return ":" in user_and_password or _PASSWORD_KEY.search(rest) is not None
