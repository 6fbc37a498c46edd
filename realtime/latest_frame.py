"""A thread that reads a live source and keeps only its newest frame.

A reader that is slower than its camera would otherwise fall behind without end: the frames queue up
in the driver or in the socket. This file knows nothing of models.
"""

from __future__ import annotations

import threading
from types import TracebackType

from rtaction.frame import Frame
from rtaction.realtime.sources import READ_TIMEOUT_SECONDS, Source


class LatestFrame:
    """A slot for one frame; a newer frame takes the place of one that nobody fetched.

    Use it as a context manager: the thread runs inside the block.

    Args:
        source: what to read; closed at the end.
    """

    def __init__(self, source: Source) -> None:
        self.num_dropped = 0
        self._source = source
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="rtaction-reader", daemon=True)

    def __enter__(self) -> LatestFrame:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._source.close()
        self._thread.join(READ_TIMEOUT_SECONDS + 1.0)

    @property
    def ended(self) -> bool:
        """Whether the source has ended and its last frame was fetched."""
        with self._changed:
            return self._ended and self._frame is None

    def get(self, timeout_seconds: float) -> Frame | None:
        """The newest frame that was not fetched before.

        Args:
            timeout_seconds: how long to wait for one.

        Returns:
            The frame, or None where none came in time or the source has ended.

        Raises:
            RtactionError: what the source raised, once its last frame was fetched.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, timeout_seconds)
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                error, self._error = self._error, None
                raise error
            return frame

    def _read(self) -> None:
        try:
            for frame in self._source.frames():
                with self._changed:
                    self.num_dropped += self._frame is not None
                    self._frame = frame
                    self._changed.notify()
        except Exception as error:
            # It belongs to the thread that asks for frames; raised there by `get`.
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
