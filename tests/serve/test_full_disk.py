"""A service that is started on a full disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.serve.house.house import Query
from rtaction.serve.watching.watchman import Watchman
from tests.serve.place import Place, open_house, until
from tests.serve.small_disks import fill, small_disk


@pytest.mark.parametrize("is_new", [True, False])
def test_it_watches_and_keeps_events_once_there_is_room(
    place: Place, opened: list[Watchman], is_new: bool
) -> None:
    place.write(place.camera("a", "gray.mp4"))
    with small_disk(place.folder / "kept", 2_000_000) as disk:
        if not is_new:
            house = open_house(place, opened)
            house.set_threshold("a", "bright", 0.9)
            opened.remove(house)
            house.close(5.0)
        filling = fill(disk)
        house = open_house(place, opened)
        until(lambda: house.camera("a").state == "ok")
        assert house.camera("a").thresholds == {"bright": 0.6 if is_new else 0.9}
        Path(filling).unlink()
        house.set_threshold("a", "bright", 0.3)
        until(lambda: [one.camera for one in house.events(Query())] == ["a"])
        opened.remove(house)
        house.close(5.0)
