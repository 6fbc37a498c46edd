"""A frame whose pixels are made only if somebody looks at them.

A camera gives 25 pictures a second, and a model may need 5 of them: decoding and converting the
others would be most of the work. This file knows nothing of cameras.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy.typing as npt

from rtaction.frame import Frame


class FrameDamaged(Exception):
    """A picture came, and cannot be decoded."""


class FrameLike(Protocol):
    """What the runtime needs of a frame; `Frame` and `DeferredFrame` are such."""

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
    """A frame whose image is made when it is first asked for, by whichever thread asks.

    Args:
        make_image: gives uint8 RGB, shape (height, width, 3); called once at most. Whatever it
            raises becomes `FrameDamaged`.
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
                    # As a Frame the picture's kind and shape are checked.
                    self._frame = Frame(make_image(), self.captured_at_seconds, self.index)
                except FrameDamaged:
                    raise
                except Exception as error:
                    # The thread that asks may work for other sources too.
                    raise FrameDamaged(f"{type(error).__name__}: {error}") from error
            return self._frame.image
