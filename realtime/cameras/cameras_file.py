"""The file that lists several cameras, cameras.toml."""

from __future__ import annotations

import logging
import os
import re
import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rtaction.errors import UsageError
from rtaction.pose.region import Region
from rtaction.realtime.cameras.address import Address, parse_address
from rtaction.realtime.cameras.camera import Camera, unused_name
from rtaction.realtime.cameras.view import View

_OPTIONS = ("transport", "follow", "open_timeout_seconds", "read_timeout_seconds")
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
    "region": list,
    "transport": str,
    "follow": bool,
    "open_timeout_seconds": _NUMBER,
    "read_timeout_seconds": _NUMBER,
}
_TYPE_NAMES: dict[type | tuple[type, ...], str] = {
    str: "a string in quotes",
    list: "a list of four numbers",
    int: "an integer",
    bool: "true or false",
    _NUMBER: "a number",
}
_REGION = "a list of numbers, such as [0.2, 0.0, 0.8, 1.0]"
_CAME: dict[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a decimal number",
    list: "a list",
    dict: "a table",
}
_PASSWORD_KEY = re.compile(r"pass|pwd|pw|token|secret|key|auth", re.IGNORECASE)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CamerasFile:
    """The content of a cameras.toml.

    Args:
        cameras: at least one, with unique names.
        actions: the table [actions] as it is in the file, unchecked; empty if there is none.
    """

    cameras: list[Camera]
    actions: dict[str, Any]


def load_cameras(path: Path) -> CamerasFile:
    """Read a cameras.toml.

    Paths in it are relative to the working directory. User names and passwords are best kept in
    environment variables, named by `username_env` and `password_env`.

    Args:
        path: the file.

    Raises:
        UsageError: the file is unreadable or invalid; the message names the camera and the key.
        SourceMissing: there is no such device or video file.
    """
    document = _read(path)
    unknown = sorted(set(document) - {"actions", "camera"})
    if unknown:
        raise UsageError(
            f"{path}: unknown key {unknown[0]!r}; expected one [[camera]] table per camera, and "
            "optionally [actions]"
        )
    actions, tables = document.get("actions", {}), document.get("camera", [])
    if not isinstance(actions, dict):
        raise UsageError(f"{path}: actions: expected a table, written [actions]")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path}: camera: expected one table per camera, written [[camera]]")
    if not tables:
        raise UsageError(f'{path}: it lists no camera; expected [[camera]] and url = "rtsp://..."')
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
        # Notepad on Windows writes a byte order mark.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"the cameras file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the cameras file {path} is not UTF-8; save it as UTF-8") from None
    except RecursionError:
        raise UsageError(f"the cameras file {path} is nested too deep") from None
    except ValueError as error:  # TOML, or a number of thousands of digits
        raise UsageError(f"the cameras file {path} is not valid TOML: {error}") from None


def _where(path: Path, number: int, table: dict[str, Any]) -> str:
    name = table.get("name")
    return f"{path}, camera {number}" + (f" ({name!r})" if isinstance(name, str) else "")


def _check_keys(table: dict[str, Any], where: str) -> None:
    for key, value in table.items():
        if key.lower() in ("password", "passwd", "pass", "pwd"):
            raise UsageError(
                f"{where}: {key}: a password must not be in this file; put it into an environment "
                'variable and give its name: password_env = "CAMERA_PASSWORD"'
            )
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key!r}; expected one of {', '.join(_KEYS)}")
        expected = _KEYS[key]
        # In Python, true is an integer as well. The value may be a secret.
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            came = _CAME.get(type(value), "a date or time")
            wanted = _REGION if key == "region" else _TYPE_NAMES[expected]
            raise UsageError(f"{where}: {key}: expected {wanted}, got {came}")
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
            raise UsageError(f"{where}: name: already used by another camera; choose a unique name")
        if not name.strip() or not name.isprintable():
            raise UsageError(f"{where}: name: expected one line of printable text")
        names.add(name)
    return names


def _address(table: dict[str, Any], where: str) -> Address:
    key = "url" if "url" in table else "source"
    text: str = table[key]
    if key == "url" and "://" not in text:
        raise UsageError(
            f"{where}: url: expected an address such as rtsp://192.168.1.20/stream1; use source "
            "for a webcam, a file or a screen"
        )
    address = parse_address(text, given_as=f"{where}: {key}")
    given = [key for key in ("username_env", "password_env") if key in table]
    if not given:
        return address
    if address.kind not in ("rtsp", "http"):
        raise UsageError(f"{where}: {given[0]}: only an rtsp:// or http:// address has a user")
    scheme, _, rest = text.partition("://")
    if "@" in rest:
        raise UsageError(f"{where}: {given[0]}: the address has a user as well; expected only one")
    if "username_env" not in table:
        raise UsageError(f"{where}: password_env: it needs a user; set username_env as well")
    userinfo = ":".join(_from_environment(table[key], f"{where}: {key}") for key in given)
    return parse_address(f"{scheme}://{userinfo}@{rest}", given_as=f"{where}: url")


def _from_environment(variable: str, where: str) -> str:
    """The value of a variable, percent-encoded."""
    value = os.environ.get(variable)
    if value is None:
        # The most common mistake is to put the password itself there.
        named = f" {variable}" if re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable) else ""
        raise UsageError(
            f"{where}: the environment variable{named} is not set; expected the name of a variable "
            "with the value, such as CAMERA_PASSWORD"
        )
    return quote(os.fsencode(value), safe="")


def _camera(table: dict[str, Any], where: str, address: Address, names: set[str]) -> Camera:
    roi = table.get("roi")
    if roi is not None and any(type(edge) not in (int, float) for edge in roi):
        raise UsageError(f"{where}: roi: expected {_TYPE_NAMES[list]}")
    region = table.get("region")
    counts = None
    if region is not None:
        if any(type(number) not in (int, float) for number in region):
            raise UsageError(f"{where}: region: expected {_REGION}")
        try:
            counts = Region.of(region)
        except ValueError as error:
            raise UsageError(f"{where}: region: {error}") from None
    name = table["name"] if "name" in table else unused_name(address.name, names)
    options = {key: table[key] for key in _OPTIONS if key in table}
    try:
        view = View(
            tuple(roi) if roi is not None else None,
            table.get("rotation", 0),
            table.get("mirror", False),
        )
        return Camera(address, name, view, region=counts, **options)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _warn_of_passwords(path: Path, tables: list[dict[str, Any]], cameras: list[Camera]) -> None:
    named = [
        camera.name
        for table, camera in zip(tables, cameras, strict=True)
        if _holds_password(table.get("url", table.get("source", "")))
    ]
    if named:
        _log.warning(
            "%s contains a password in the address of %s, readable by anyone who can read the "
            "file; use username_env and password_env instead",
            *(path, ", ".join(named)),
        )


def _holds_password(text: str) -> bool:
    rest = text.partition("://")[2]
    user_and_password = rest.rpartition("@")[0]
    # Each part between two "=", and what follows it up to the next "&".
    parts = [part for one in re.split("[&;]", rest) for part in pairwise(one.split("="))]
    return ":" in user_and_password or any(
        value and _PASSWORD_KEY.search(re.split("[/?]", name)[-1]) for name, value in parts
    )
