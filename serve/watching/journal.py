"""What the log says of cameras, as nobody looks at a page all day."""

from __future__ import annotations

import logging

from rtaction.serve.house.views import CameraState, CameraView

# States that somebody can do something about.
_TOLD: tuple[CameraState, ...] = ("down", "refused", "black", "frozen", "ended")
_log = logging.getLogger(__name__)


class Journal:
    """Logs when a camera is in trouble, and when it is well again; each once."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[CameraState, str]] = {}

    def see(self, view: CameraView) -> None:
        """Take how a camera is; most of it is not told."""
        if view.state in _TOLD:
            news = view.state, view.reason
            if self._told.get(view.id) != news:
                self._told[view.id] = news
                _log.warning("%s: %s", view.name, ": ".join(part for part in news if part))
        elif view.state in ("ok", "disabled", "resting") and view.id in self._told:
            self.forget(view.id)
            _log.warning("%s: %s", view.name, view.state)

    def forget(self, camera: str) -> None:
        """A camera is no longer watched."""
        self._told.pop(camera, None)
