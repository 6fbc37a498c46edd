"""Buckets, keys, shared pictures and news, each by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rtaction.errors import NoSuchThing
from rtaction.serve.house.house import Picture
from rtaction.serve.web.buckets import TokenBuckets, client_of
from rtaction.serve.web.keys import COOKIE_SECONDS, Keys
from rtaction.serve.web.newsstand import MAX_WAITING, Reader, event_text
from rtaction.serve.web.pictures import SharedPictures
from tests.serve.fake_house import FakeHouse
from tests.serve.web.conftest import TOKEN


def test_a_bucket_drips() -> None:
    now = [0.0]
    buckets = TokenBuckets(2.0, 3, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.take("b") == 0.0
    now[0] = 0.5
    assert [buckets.take("a") for _ in range(2)] == [0.0, 0.5]
    now[0] = 100.0
    assert [buckets.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_the_longest_unseen_are_forgotten() -> None:
    buckets = TokenBuckets(1.0, 1, max_clients=2, clock=lambda: 0.0)
    for client in "abc":
        buckets.take(client)
    assert buckets.take("a") == 0.0
    assert buckets.take("c") == 1.0


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.168.1.5", "192.168.1.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("?", "?"),
    ],
)
def test_who_counts_as_one(address: str, client: str) -> None:
    assert client_of(address) == client


def test_a_cookie_lasts_as_long_as_token_and_time() -> None:
    now = [1_000.0]
    keys = Keys(TOKEN, clock=lambda: now[0])
    cookie = f"other=1; rtaction={keys.new_cookie()}"
    assert keys.lets_in(None, cookie)
    assert Keys(TOKEN, clock=lambda: now[0]).lets_in(None, cookie)
    assert not Keys(f"{TOKEN}2", clock=lambda: now[0]).lets_in(None, cookie)
    later = cookie.replace(f"={int(now[0]) + COOKIE_SECONDS}.", f"={10**12}.")
    assert later != cookie
    assert not keys.lets_in(None, later)
    now[0] += COOKIE_SECONDS
    assert not keys.lets_in(None, cookie)
    # A wrong header is not forgiven because of a cookie.
    assert not keys.lets_in("Bearer wrong", cookie)


def test_a_picture_is_asked_for_once_and_wants_no_second_asker(tmp_path: Path) -> None:
    house = FakeHouse(tmp_path)
    house.picture_seconds = 0.05
    key = ("driveway", 160, False)

    async def look() -> None:
        pictures = SharedPictures(house.picture)
        first = asyncio.create_task(pictures.get(key, max_age_seconds=0.0))
        others = [asyncio.create_task(pictures.get(key, max_age_seconds=0.0)) for _ in range(5)]
        await asyncio.sleep(0.01)
        first.cancel()  # who asked first leaves; the others get theirs
        seen = await asyncio.gather(*others)
        assert len({id(one) for one in seen}) == 1
        assert house.num_pictures["driveway"] == 1
        assert await pictures.get(key, max_age_seconds=60.0) is seen[0]
        assert house.num_pictures["driveway"] == 1
        await pictures.get(key, max_age_seconds=0.0)
        assert house.num_pictures["driveway"] == 2
        with pytest.raises(NoSuchThing):
            await pictures.get(("attic", None, False), max_age_seconds=1.0)
        pictures.close()

    asyncio.run(look())


def test_old_pictures_are_not_kept(tmp_path: Path) -> None:
    class Plain(FakeHouse):
        def picture(self, camera: str, *, width: int | None, is_drawn: bool) -> Picture:
            return Picture(b"", 0, datetime.now(UTC))

    now = [0.0]

    async def look() -> SharedPictures[Picture]:
        pictures = SharedPictures(Plain(tmp_path).picture, clock=lambda: now[0])
        for width in range(16, 216):
            await pictures.get(("driveway", width, False), max_age_seconds=1.0)
        return pictures

    pictures = asyncio.run(look())
    assert len(pictures._kept) == 64
    now[0] = 3.0
    asyncio.run(_one_more(pictures))
    assert len(pictures._kept) == 1


async def _one_more(pictures: SharedPictures[Picture]) -> None:
    await pictures.get(("driveway", 16, True), max_age_seconds=1.0)


def test_a_slow_reader_is_told_how_much_it_missed() -> None:
    async def read() -> list[str | None]:
        reader = Reader()
        for number in range(MAX_WAITING + 10):
            reader.put(str(number))
        return [await reader.next(0.0) for _ in range(MAX_WAITING + 2)]

    texts = asyncio.run(read())
    assert event_text("missed", {"missed": 10}) in texts
    assert [one for one in texts if one is not None and one.isdigit()] == [
        str(number) for number in range(MAX_WAITING)
    ]
    assert texts[-1] is None
