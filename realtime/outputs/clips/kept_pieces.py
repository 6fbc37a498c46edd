"""The last seconds of a source, in encoded pieces, and the clips that are made of them.

This module opens no file.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from rtaction.realtime.outputs.clips.clip_writer import Piece, Written
from rtaction.sampling import TIME_TOLERANCE_SECONDS


class TimedPiece(Piece, Protocol):
    """A frame, encoded."""

    @property
    def at_seconds(self) -> float:
        """Its time, on any clock."""

    @property
    def is_key(self) -> bool:
        """Whether it can be decoded without those before it; the others need all from the last
        such one on."""


@dataclass(slots=True)
class OpenClip:
    """An open clip: when it starts, and when it ends if that is known."""

    number: int
    file: Written[Any]
    from_seconds: float
    until_seconds: float
    longest_until_seconds: float = math.inf
    waits_for_key: bool = True

    def is_over(self, at_seconds: float) -> bool:
        """Whether a frame of this time comes after the end of the clip."""
        until_seconds = min(self.until_seconds, self.longest_until_seconds)
        return at_seconds > until_seconds + TIME_TOLERANCE_SECONDS


@dataclass(slots=True)
class KeptPieces:
    """The last seconds of one source, and its clips by event number."""

    pieces: deque[Any] = field(default_factory=deque)  # of TimedPiece, the first a key
    num_bytes: int = 0
    last_seconds: float = -math.inf
    last_seen_at_utc_seconds: float = 0.0
    last_number: int = 0
    num_spans: int = 0
    clips: dict[int, OpenClip] = field(default_factory=dict)
    _key_seconds: deque[float] = field(default_factory=deque)

    def push(self, piece: TimedPiece, kept_seconds: float, max_bytes: int) -> None:
        """Keep a piece, and drop those that are too old or too many."""
        self.last_seconds = piece.at_seconds
        self.last_seen_at_utc_seconds = time.time()
        if piece.is_key:
            self._key_seconds.append(piece.at_seconds)
        elif not self.pieces:
            return
        self.pieces.append(piece)
        self.num_bytes += piece.num_bytes
        oldest_seconds = piece.at_seconds - kept_seconds - TIME_TOLERANCE_SECONDS
        while self.pieces and (
            self.num_bytes > max_bytes or self._is_first_group_over(oldest_seconds)
        ):
            self._drop_group()

    def begin_of(self, from_seconds: float) -> float:
        """When a clip from this time on has to begin: with the key before it, if there is one."""
        if len(self._key_seconds) == len(self.pieces):
            return from_seconds
        before = [at_seconds for at_seconds in self._key_seconds if at_seconds <= from_seconds]
        return before[-1] if before else from_seconds

    def forget(self) -> None:
        """Drop all pieces."""
        self.pieces.clear()
        self._key_seconds.clear()
        self.num_bytes = 0

    def _is_first_group_over(self, oldest_seconds: float) -> bool:
        """Whether nothing from this time on needs the first key and what follows it."""
        if len(self.pieces) == 1 or self.pieces[1].is_key:
            return self._key_seconds[0] < oldest_seconds
        return len(self._key_seconds) > 1 and self._key_seconds[1] <= oldest_seconds

    def _drop_group(self) -> None:
        """Drop the first key and what cannot be decoded without it."""
        self._key_seconds.popleft()
        while True:
            self.num_bytes -= self.pieces.popleft().num_bytes
            if not self.pieces or self.pieces[0].is_key:
                return
