"""What is kept of a source can be decoded: it begins with a key, whatever is dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rtaction.realtime.outputs.clips.event_clips import EventClips
from rtaction.realtime.outputs.clips.kept_pieces import KeptPieces
from tests.realtime.outputs.clips.test_event_clips import event


@dataclass(frozen=True)
class Piece:
    """A key each fourth second, as long as the others together."""

    at_seconds: float
    num_bytes: int = 1

    @property
    def is_key(self) -> bool:
        return self.at_seconds % 4 == 0


class Pieces:
    """A file that keeps the times of its pieces."""

    failed = False

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.is_closed = False

    def write(self, piece: Piece) -> None:
        self.seconds.append(piece.at_seconds)

    def close(self) -> None:
        self.is_closed = True

    def abandon(self) -> None:
        raise AssertionError


def kept(seconds: Iterable[float], *, kept_seconds: float, max_bytes: int = 100) -> list[float]:
    state = KeptPieces()
    for at_seconds in seconds:
        state.push(Piece(float(at_seconds)), kept_seconds, max_bytes)
    assert state.num_bytes == len(state.pieces)
    return [piece.at_seconds for piece in state.pieces]


@pytest.mark.parametrize(
    ("seconds", "kept_seconds", "expected"),
    [
        (range(4), 10.0, range(4)),
        (range(1, 4), 10.0, []),  # no key yet
        (range(2, 7), 10.0, range(4, 7)),
        (range(12), 5.0, range(4, 12)),  # 6 is wanted, and 4 is the key for it
        (range(12), 2.5, range(8, 12)),
        (range(14), 0.0, range(12, 14)),
        ([0, 4, 8, 12, 16], 5.0, [12, 16]),  # keys only
    ],
)
def test_by_time(seconds: Iterable[float], kept_seconds: float, expected: Iterable[float]) -> None:
    assert kept(seconds, kept_seconds=kept_seconds) == list(expected)


def test_by_bytes() -> None:
    assert kept(range(11), kept_seconds=100.0, max_bytes=8) == list(range(4, 11))
    assert kept(range(12), kept_seconds=100.0, max_bytes=7) == list(range(8, 12))


def add(clips: EventClips, seconds: Iterable[float]) -> None:
    for at_seconds in seconds:
        clips.add("cam", Piece(float(at_seconds)))


@pytest.mark.parametrize(
    ("start_seconds", "expected"), [(11.0, range(8, 15)), (10.0, range(8, 15)), (3.0, range(15))]
)
def test_a_clip_begins_with_the_key_before_it(start_seconds: float, expected: range) -> None:
    file = Pieces()
    clips = EventClips(None, pre_roll_seconds=2.0, post_roll_seconds=1.0, max_delay_seconds=20.0)
    add(clips, range(14))
    clips.add_event(event(start_seconds), lambda stem: file)
    clips.add_event(event(start_seconds, 13.0))
    add(clips, range(14, 18))
    clips.close()
    assert file.seconds == list(expected)
    assert file.is_closed


def test_what_follows_a_gap_waits_for_a_key() -> None:
    file = Pieces()
    clips = EventClips(None, pre_roll_seconds=0.0, max_queue_bytes=10)
    add(clips, range(2))
    clips.add_event(event(0.0), lambda stem: file)
    assert clips.flush(10)
    clips.add("cam", Piece(2.0, num_bytes=11))  # it has no room in the queue
    add(clips, range(3, 7))
    clips.close()
    assert file.seconds == [0, 1, 4, 5, 6]
    assert clips.num_dropped == 1


def test_what_was_lost_does_not_go_with_what_comes_later() -> None:
    files: list[Pieces] = []

    def file_of(stem: str) -> Pieces:
        files.append(Pieces())
        return files[-1]

    clips = EventClips(None, pre_roll_seconds=5.0)
    add(clips, range(3))
    clips.add_event(event(1.0), file_of)
    clips.forget("cam")
    assert clips.nearest("cam") is None
    add(clips, range(3, 6))
    clips.add_event(event(1.0, 4.5), file_of)
    assert [file.is_closed for file in files] == [True] or clips.flush(10)
    clips.add_event(event(5.0, number=2), file_of)
    clips.close()
    assert [file.seconds for file in files] == [[0, 1, 2], [4, 5]]


def test_the_nearest(tmp_path: Path) -> None:
    clips = EventClips(None)
    assert clips.nearest("cam") is None
    add(clips, range(6))

    def nearest(at_seconds: float | None) -> float | None:
        piece = clips.nearest("cam", at_seconds)
        return None if piece is None else float(piece.at_seconds)

    assert [nearest(at) for at in (None, 2.4, -9.0, 99.0)] == [5, 2, 0, 5]
    assert clips.nearest("another") is None
    clips.close()
