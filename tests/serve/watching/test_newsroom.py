"""All who look on are told; a slow one misses news, and delays nobody."""

from __future__ import annotations

from rtaction.serve.house.house import News
from rtaction.serve.watching.newsroom import Newsroom


def test_all_are_told_until_they_leave() -> None:
    room = Newsroom()
    room.tell("camera", {"id": "nobody hears"})
    one, other = room.subscribe(), room.subscribe()
    room.tell("camera", {"id": "door"})
    assert one.next(0) == other.next(0) == News("camera", {"id": "door"})
    assert one.next(0) is None
    one.close()
    one.close()
    room.tell("gone", {"id": "door"})
    assert one.next(0) is None
    assert other.next(0) == News("gone", {"id": "door"})
    assert room.num_readers == 1
    other.close()
    assert not room.has_readers


def test_a_slow_reader_has_the_newest() -> None:
    room = Newsroom()
    reader = room.subscribe()
    for number in range(300):
        room.tell("machine", {"number": number})
    got = []
    while (news := reader.next(0)) is not None:
        got.append(news.data["number"])
    assert got == list(range(44, 300))
    assert reader.num_missed == 44
