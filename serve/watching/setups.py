"""The cameras to watch, each with the model that judges it and the rules of its events."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.cameras.view import View


@dataclass(frozen=True, slots=True)
class Setup:
    """A camera as its file says.

    Args:
        id: letters, digits and hyphens; unique.
        camera: the source.
        model: the ONNX file that judges it.
    """

    id: str
    camera: Camera
    model: Path

    @property
    def keeps_packets(self) -> bool:
        """Whether clips are made of the packets of the stream that is watched.

        What is masked or turned is decoded anyway, and cheaper to encode than to decode again.
        """
        camera = self.camera
        return camera.record is None and camera.address.kind == "rtsp" and camera.view == View()


def setups_of(cameras: Sequence[Camera], model: Path) -> list[Setup]:
    """Cameras with their ids.

    Args:
        cameras: with unique names.
        model: of cameras that have none of their own.
    """
    taken: set[str] = set()
    return [Setup(_unused(id_of(one.name), taken), one, one.model or model) for one in cameras]


def id_of(name: str) -> str:
    """Lower-case letters, digits and hyphens for a name; "camera" if none are left."""
    if "://" not in name:
        name = name.rstrip("/").rpartition("/")[2]  # of a file, without its folder
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:40].rstrip("-") or "camera"


def _unused(wanted: str, taken: set[str]) -> str:
    number, one = 1, wanted
    while one in taken:
        number += 1
        one = f"{wanted}-{number}"
    taken.add(one)
    return one
