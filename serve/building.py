"""Build a house and its page from the options and the file of cameras."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from rtaction.errors import UsageError
from rtaction.realtime.cameras.camera import cameras_of
from rtaction.realtime.cameras.cameras_file import load_cameras
from rtaction.serve.options import ServeOptions
from rtaction.serve.watching.setups import setups_of
from rtaction.serve.watching.station import Plan

INDEX_NAME, CLIPS_NAME, CORRECTIONS_NAME, LESSONS_NAME = (
    "events.db",
    "clips",
    "corrections",
    "lessons",
)
_log = logging.getLogger(__name__)


def plan_of(options: ServeOptions, model: Path) -> Plan:
    """What is to be watched, as the options and the file of cameras say now.

    Raises:
        UsageError: there is a mistake.
    """
    texts = list(options.sources)
    actions: dict[str, Any] = {}
    cameras = []
    if options.cameras_file is not None:
        loaded = load_cameras(options.cameras_file)
        cameras, actions = list(loaded.cameras), dict(loaded.actions)
    elif not texts:
        texts = ["0"]
    known = {camera.name for camera in cameras}
    for camera in cameras_of(texts):
        if camera.name in known:
            raise UsageError(
                f"the source {camera.name} is already in {options.cameras_file}; expected it once"
            )
        cameras.append(camera)
    return Plan(setups_of(cameras, model), actions)
