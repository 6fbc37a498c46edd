"""One [[camera]] table of a cameras.toml."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from rtaction.errors import UsageError
from rtaction.pose.region import Region, Zone
from rtaction.realtime.cameras.camera import Camera, unused_name
from rtaction.realtime.cameras.credentials import address_of, record_of
from rtaction.realtime.cameras.schedule import Schedule
from rtaction.realtime.cameras.view import View
from rtaction.redaction import scrub

T = TypeVar("T")
_OPTIONS = ("transport", "follow", "open_timeout_seconds", "read_timeout_seconds")
_NUMBER = (int, float)
_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "url": str,
    "source": str,
    "record_url": str,
    "record": str,
    "username_env": str,
    "password_env": str,
    "roi": list,
    "rotation": int,
    "mirror": bool,
    "masks": list,
    "region": list,
    "zones": dict,
    "model": str,
    "labels": list,
    "actions": dict,
    "schedule": list,
    "quiet": list,
    "timezone": str,
    "enabled": bool,
    "transport": str,
    "follow": bool,
    "open_timeout_seconds": _NUMBER,
    "read_timeout_seconds": _NUMBER,
}
_TYPE_NAMES: dict[type | tuple[type, ...], str] = {
    str: "a string in quotes",
    int: "an integer",
    bool: "true or false",
    _NUMBER: "a number",
}
_CORNERS = "a list of numbers, such as [0.2, 0.0, 0.8, 1.0]"
_HOURS = 'a list of hours, such as ["mon-fri 07:00-19:00"]'
_LABELS = 'a list of labels, such as ["wave"]'
_WANTED = {
    "roi": "a list of four numbers",
    "masks": "a list of lists of numbers, such as [[0.2, 0.0, 0.8, 1.0]]",
    "region": _CORNERS,
    "zones": "a table for each zone, such as [camera.zones.porch]",
    "labels": _LABELS,
    "actions": "a table, written [camera.actions]",
    "schedule": _HOURS,
    "quiet": _HOURS,
}
_CAME: dict[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a decimal number",
    list: "a list",
    dict: "a table",
}


def check_keys(table: dict[str, Any], where: str) -> None:
    """Check the keys of a camera's table, and the types of their values.

    Args:
        table: as it is in the file.
        where: names the file and the camera in errors.

    Raises:
        UsageError: an unknown key, another type, a password, or not one of `url` and `source`.
    """
    for key, value in table.items():
        if key.lower() in ("password", "passwd", "pass", "pwd"):
            raise UsageError(
                f"{where}: {key}: a password must not be in this file; put it into an environment "
                'variable and give its name: password_env = "CAMERA_PASSWORD"'
            )
        if key not in _KEYS:
            raise UsageError(
                f"{where}: unknown key {scrub(key, ())!r}; expected one of {', '.join(_KEYS)}"
            )
        expected = _KEYS[key]
        # In Python, true is an integer as well. The value may be a secret.
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            wanted = _WANTED.get(key) or _TYPE_NAMES[expected]
            raise UsageError(f"{where}: {key}: expected {wanted}, got {_came(value)}")
    if ("url" in table) == ("source" in table):
        came = "both" if "url" in table else "neither"
        raise UsageError(
            f'{where}: expected either url = "rtsp://..." or source = "0" (a webcam, a file, a '
            f"screen), got {came}"
        )


def camera_of(table: dict[str, Any], where: str, names: set[str], folder: Path) -> Camera:
    """The camera of a table that `check_keys` has checked.

    Args:
        table: as it is in the file.
        where: names the file and the camera in errors.
        names: of other cameras; that of this one is added.
        folder: that the names of models are relative to.

    Raises:
        UsageError: a value is not possible.
        SourceMissing: there is no such device or file.
    """
    address = address_of(table, where)
    region = table.get("region")
    labels = table.get("labels")
    view = _valued(where, lambda: _view(table, where))
    name = table["name"] if "name" in table else unused_name(address.name, names)
    options = {key: table[key] for key in _OPTIONS if key in table}
    return _valued(
        where,
        lambda: Camera(
            address,
            name,
            view,
            region=None if region is None else _region(region, f"{where}: region"),
            zones=_zones(table.get("zones", {}), where),
            labels=None if labels is None else _labels(labels, f"{where}: labels"),
            actions=table.get("actions", {}),
            model=_model(table, where, folder),
            schedule=_schedule(table, where),
            record=record_of(table, where),
            is_enabled=table.get("enabled", True),
            **options,
        ),
    )


def _valued(where: str, make: Callable[[], T]) -> T:
    """What is made of values, with an error for a person if one of them is not possible."""
    try:
        return make()
    except ValueError as error:
        # Whatever a person has put there by mistake.
        raise UsageError(f"{where}: {scrub(str(error), ())}") from None


def _came(value: object) -> str:
    return _CAME.get(type(value), "a date or time")


def _view(table: dict[str, Any], where: str) -> View:
    roi = table.get("roi")
    if roi is not None and not _are_numbers(roi):
        raise UsageError(f"{where}: roi: expected {_WANTED['roi']}")
    return View(
        None if roi is None else tuple(roi),
        table.get("rotation", 0),
        table.get("mirror", False),
        _masks(table, where),
    )


def _masks(table: dict[str, Any], where: str) -> tuple[Region, ...]:
    masks: list[object] = table.get("masks", [])
    if not all(isinstance(mask, list) for mask in masks):
        raise UsageError(f"{where}: masks: expected {_WANTED['masks']}")
    return tuple(_region(mask, f"{where}: masks") for mask in masks)


def _region(numbers: object, where: str) -> Region:
    if not isinstance(numbers, list) or not _are_numbers(numbers):
        raise UsageError(f"{where}: expected {_CORNERS}")
    return _valued(where, lambda: Region.of(numbers))


def _are_numbers(values: list[Any]) -> bool:
    return all(type(value) in (int, float) for value in values)


def _zones(tables: dict[str, Any], where: str) -> tuple[Zone, ...]:
    return tuple(
        _zone(name, table, f"{where}: zones.{scrub(name, ())}") for name, table in tables.items()
    )


def _zone(name: str, table: object, where: str) -> Zone:
    if not name.strip() or not name.isprintable():
        raise UsageError(f"{where}: the name of a zone: expected one line of printable text")
    if not isinstance(table, dict):
        raise UsageError(f"{where}: expected a table, got {_came(table)}")
    for key in table:
        if key not in ("corners", "labels"):
            raise UsageError(f"{where}: unknown key {key!r}; expected one of corners, labels")
    if "corners" not in table:
        raise UsageError(f"{where}: corners: expected {_CORNERS}, got nothing")
    labels = table.get("labels")
    return Zone(
        name,
        _region(table["corners"], f"{where}.corners"),
        None if labels is None else _labels(labels, f"{where}.labels"),
    )


def _labels(labels: object, where: str) -> tuple[str, ...]:
    if not _are_texts(labels) or not labels:
        raise UsageError(f"{where}: expected {_LABELS}; leave it out for all labels")
    return tuple(labels)


def _are_texts(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _model(table: dict[str, Any], where: str, folder: Path) -> Path | None:
    if "model" not in table:
        return None
    if "://" in table["model"]:
        raise UsageError(f"{where}: model: expected an ONNX file, got an address")
    model = folder / str(table["model"])
    if not model.is_file():
        raise UsageError(
            f"{where}: model: there is no file {model}; expected an ONNX file, relative to the "
            "folder of this one"
        )
    return model


def _schedule(table: dict[str, Any], where: str) -> Schedule:
    for key in ("schedule", "quiet"):
        hours = table.get(key, [])
        if not _are_texts(hours):
            raise UsageError(f"{where}: {key}: expected {_HOURS}")
        _valued(f"{where}: {key}", partial(Schedule.parse, hours))
    hours, quiet = table.get("schedule", []), table.get("quiet", [])
    return _valued(
        f"{where}: timezone", lambda: Schedule.parse(hours, quiet, table.get("timezone"))
    )
