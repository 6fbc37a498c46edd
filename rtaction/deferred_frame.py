"""A frame whose pixels are made on demand.

A camera gives 25 frames per second, and a model may need 5 of them: decoding and converting the
others would be most of the work. This module knows nothing about cameras.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy.typing as npt

from rtaction.frame import Frame


class FrameDamaged(Exception):
    """The frame was received but cannot be decoded."""


class FrameLike(Protocol):
    """The interface of a frame; `Frame` and `DeferredFrame` have it."""

    @property
    def captured_at_seconds(self) -> float:
        """See `Frame`."""

    @property
    def index(self) -> int:
        """See `Frame`."""

    @property
    def source(self) -> str:
        """See `Frame`."""

    @property
    def run(self) -> int:
        """See `Frame`."""

    @property
    def image(self) -> npt.NDArray[Any]:
        """uint8 RGB, shape (height, width, 3).

        Raises:
            FrameDamaged: it cannot be decoded.
        """


class DeferredFrame:
    """A frame whose image is made on first access, in the accessing thread.

    Args:
        make_image: returns uint8 RGB, shape (height, width, 3); called at most once. Any exception
            becomes `FrameDamaged`.
        captured_at_seconds, index, source, run: see `Frame`.
    """

    __slots__ = ("_frame", "_lock", "_make_image", "captured_at_seconds", "index", "run", "source")

    def __init__(
        self,
        make_image: Callable[[], npt.NDArray[Any]],
        captured_at_seconds: float,
        index: int,
        source: str = "",
        run: int = 0,
    ) -> None:
        self.captured_at_seconds = captured_at_seconds
        self.index = index
        self.source = source
        self.run = run
        self._make_image: Callable[[], npt.NDArray[Any]] | None = make_image
        self._frame: Frame | None = None
        self._lock = threading.Lock()

    @property
    def image(self) -> npt.NDArray[Any]:
        """uint8 RGB, shape (height, width, 3).

        Raises:
            FrameDamaged: it cannot be decoded.
        """
        with self._lock:
            if self._frame is None:
                if self._make_image is None:
                    raise FrameDamaged
                make_image, self._make_image = self._make_image, None
                try:
                    # Frame checks dtype and shape.
                    self._frame = Frame(make_image(), self.captured_at_seconds, self.index)
                except FrameDamaged:
                    raise
                except Exception as error:
                    # The accessing thread may serve other sources too.
                    raise FrameDamaged(f"{type(error).__name__}: {error}") from error
            return self._frame.image
