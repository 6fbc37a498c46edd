"""The file that lists several cameras, cameras.toml."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtaction.errors import UsageError
from rtaction.realtime.cameras.camera import Camera, cameras_of
from rtaction.realtime.cameras.camera_table import camera_of, check_keys
from rtaction.realtime.cameras.credentials import holds_password
from rtaction.redaction import scrub

SERVE_TABLES = ("clips", "retention", "mqtt", "webhook", "notify")
"""The tables that only `rtaction serve` reads."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CamerasFile:
    """The content of a cameras.toml.

    Args:
        cameras: at least one, with unique names.
        actions: the table [actions] as it is in the file, unchecked; empty if there is none.
        tables: those of `SERVE_TABLES` that are there, likewise; of [[webhook]] and [[notify]],
            lists of tables. Default none.
    """

    cameras: list[Camera]
    actions: dict[str, Any]
    tables: dict[str, Any] = field(default_factory=dict)


def load_cameras(path: Path) -> CamerasFile:
    """Read a cameras.toml.

    Sources in it are relative to the working directory, models to the file's folder. User names
    and passwords are best kept in environment variables, named by `username_env` and
    `password_env`.

    Labels are not checked, as models are not known; see
    `rtaction.realtime.watching.camera_rules.check_labels`.

    Args:
        path: the file.

    Raises:
        UsageError: the file is unreadable or invalid; the message names the camera and the key.
        SourceMissing: there is no such device or video file.
    """
    document = _read(path)
    unknown = sorted(set(document) - {"actions", "camera", *SERVE_TABLES})
    if unknown:
        raise UsageError(
            f"{path}: unknown key {scrub(unknown[0], ())!r}; expected one [[camera]] table per "
            f"camera, and optionally [actions] and, for `rtaction serve`, {', '.join(SERVE_TABLES)}"
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
        check_keys(table, where)
    names = _checked_names(tables, wheres)
    cameras = [
        camera_of(table, where, names, path.parent)
        for table, where in zip(tables, wheres, strict=True)
    ]
    _warn_of_passwords(path, tables, cameras)
    served = {key: document[key] for key in SERVE_TABLES if key in document}
    return CamerasFile(cameras, actions, served)


def with_sources(
    cameras: Sequence[Camera], texts: Sequence[str], path: Path | None
) -> list[Camera]:
    """The cameras of a file and, after them, those of a command line; without both, the first
    webcam.

    Args:
        cameras: of the file.
        texts: see `cameras_of`.
        path: the file, to be named in an error; None if there is none.

    Raises:
        UsageError, SourceMissing: see `cameras_of`; a source is already in the file.
    """
    joined = list(cameras)
    known = {camera.name for camera in cameras}
    for camera in cameras_of(texts or ([] if path is not None else ["0"])):
        if camera.name in known:
            raise UsageError(f"the source {camera.name} is already in {path}; expected it once")
        joined.append(camera)
    return joined


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
        raise UsageError(
            f"the cameras file {path} is not valid TOML: {scrub(str(error), ())}"
        ) from None


def _where(path: Path, number: int, table: dict[str, Any]) -> str:
    name = table.get("name")
    return f"{path}, camera {number}" + (f" ({scrub(name, ())!r})" if isinstance(name, str) else "")


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
        if scrub(name, ()) != name:
            raise UsageError(
                f"{where}: name: it contains an address with what may be a password, and names are "
                "shown everywhere; choose another"
            )
        names.add(name)
    return names


def _warn_of_passwords(path: Path, tables: list[dict[str, Any]], cameras: list[Camera]) -> None:
    named = [
        camera.name for table, camera in zip(tables, cameras, strict=True) if holds_password(table)
    ]
    if named:
        _log.warning(
            "%s contains a password in the address of %s, readable by anyone who can read the "
            "file; use username_env and password_env instead",
            *(path, ", ".join(named)),
        )
