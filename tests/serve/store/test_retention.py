"""The folder of clips stays within its bounds, the oldest goes first, and nothing else does."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import UsageError
from rtaction.serve.store.index import EventIndex
from rtaction.serve.store.retention import Retention, RetentionOptions
from tests.serve.made_events import NOON, made_event
from tests.serve.small_disks import fill, small_disk


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EventIndex]:
    with closing(EventIndex(tmp_path / "events.db")) as opened:
        yield opened


def name_of(number: int, suffix: str = "mp4") -> str:
    started_at = NOON + timedelta(minutes=number)
    return f"{started_at:%Y%m%dT%H%M%S}.000Z_door_wave_{number:08x}.{suffix}"


def add_event(index: EventIndex, folder: Path, number: int, **changes: Any) -> None:
    """An event with a clip of 1000 bytes and a snapshot of 100."""
    folder.mkdir(exist_ok=True)
    clip, snapshot = name_of(number), name_of(number, "jpg")
    (folder / clip).write_bytes(bytes(1000))
    (folder / snapshot).write_bytes(bytes(100))
    index.add(made_event(number, clip=clip, snapshot=snapshot, **changes))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def retention(index: EventIndex, folder: Path, **options: Any) -> Retention:
    return Retention(folder, index, RetentionOptions(**({"min_free_bytes": 0} | options)))


def test_the_oldest_files_go_when_there_are_too_many_bytes(
    index: EventIndex, tmp_path: Path
) -> None:
    folder = tmp_path / "clips"
    for number in (3, 1, 2):
        add_event(index, folder, number)
    kept = retention(index, folder, max_bytes=2200)

    kept.look()

    assert names_in(folder) == [name_of(n, s) for n in (2, 3) for s in ("jpg", "mp4")]
    assert kept.num_bytes == 2200
    # The event stays, without its files.
    assert index.get(made_event(1).id) == made_event(1)
    assert index.get(made_event(2).id).clip == name_of(2)


def test_events_go_with_their_files_after_some_days(index: EventIndex, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    add_event(index, folder, 0)
    add_event(index, folder, 0 + 24 * 60)
    add_event(index, folder, 1, ended_at=None)  # it goes on
    kept = retention(index, folder, days=1.5)

    kept.look(NOON + timedelta(days=1.6))

    assert names_in(folder) == [name_of(1440, "jpg"), name_of(1440)]
    assert [record.id for record in index.find(made_query())] == [
        made_event(1440).id,
        made_event(1).id,
    ]


def made_query() -> Any:
    from rtaction.serve.house.house import Query

    return Query()


def test_only_what_rtaction_has_made_is_removed(index: EventIndex, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    add_event(index, folder, 1)
    orphan = folder / name_of(0)
    orphan.write_bytes(bytes(500))
    others = [
        *("wedding.mp4", "events.db", "20260101T000000.000Z_a_b_1.txt", ".partial-1.mp4"),
        "20269999T000000.000Z_a_b_1.mp4",
    ]
    for name in others:
        (folder / name).write_bytes(bytes(10_000))
    (folder / "corrections" / "wave").mkdir(parents=True)
    (folder / "corrections" / "wave" / name_of(0)).write_bytes(bytes(10_000))
    (folder / name_of(2)).symlink_to(folder / "wedding.mp4")

    kept = retention(index, folder, max_bytes=1100)
    kept.look()
    assert kept.num_bytes == 1100
    assert not orphan.exists()  # the oldest of all
    assert (folder / name_of(1)).exists()

    retention(index, folder, max_bytes=0).look()
    assert names_in(folder) == sorted([*others, "corrections", name_of(2)])
    assert (folder / "corrections" / "wave" / name_of(0)).exists()


def test_what_is_being_written_stays(index: EventIndex, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    for number in range(3):
        add_event(index, folder, number)
    writing = {name_of(0), name_of(2)}
    kept = Retention(
        folder,
        index,
        RetentionOptions(max_bytes=0, min_free_bytes=0),
        is_writing=writing.__contains__,
    )
    kept.look()
    assert names_in(folder) == sorted(writing)
    assert index.get(made_event(0).id).clip == name_of(0)


def test_a_file_that_cannot_be_removed_holds_nothing_up(
    index: EventIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    folder = tmp_path / "clips"
    for number in range(3):
        add_event(index, folder, number)
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == name_of(0):
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    kept = retention(index, folder, max_bytes=1100)
    with caplog.at_level(logging.WARNING):
        kept.look()
        kept.look()
    assert names_in(folder) == [name_of(0)]
    assert caplog.text.count("cannot be removed: Permission denied") == 1
    assert index.get(made_event(0).id).clip == name_of(0)


def test_room_is_made_on_a_disk_that_others_fill(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", num_bytes=8_000_000) as disk:
        folder = disk / "clips"
        index = EventIndex(disk / "events.db")
        for number in range(40):
            add_event(index, folder, number)
            (folder / name_of(number)).write_bytes(bytes(100_000))
        fill(disk)
        index.add(made_event(100, zones=("x" * 100_000,)))
        assert index.num_missed == 1

        Retention(folder, index, RetentionOptions(min_free_bytes=1_000_000)).look()

        left = [number for number in range(40) if (folder / name_of(number)).exists()]
        assert left == list(range(40 - len(left), 40))
        assert 28 <= len(left) <= 30
        index.add(made_event(100, zones=("x" * 100_000,)))
        assert index.get(made_event(100).id).zones
        assert index.get(made_event(0).id).clip is None
        assert index.get(made_event(39).id).clip == name_of(39)
        index.close()


def test_its_thread(index: EventIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "clips"
    kept = retention(index, folder, max_bytes=1100)

    def wait_for(names: list[str]) -> None:
        deadline = time.monotonic() + 10
        while names_in(folder) != names:
            assert time.monotonic() < deadline, names_in(folder)
            time.sleep(0.01)

    add_event(index, folder, 0)
    add_event(index, folder, 1)
    kept.start()
    wait_for([name_of(1, "jpg"), name_of(1)])
    add_event(index, folder, 2)
    kept.look_soon()
    wait_for([name_of(2, "jpg"), name_of(2)])
    kept.close()
    add_event(index, folder, 3)
    kept.look_soon()
    assert len(names_in(folder)) == 4


def test_a_folder_that_is_gone_is_told_once(
    index: EventIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = retention(index, tmp_path / "gone")
    kept.start()
    deadline = time.monotonic() + 10
    while "cannot be looked at" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kept.look_soon()
    kept.close()
    assert caplog.text.count("cannot be looked at") == 1


def test_the_table() -> None:
    options = RetentionOptions.from_table(
        {"days": 30, "max_bytes": "20 GB", "min_free_bytes": 0}, "cameras.toml, [retention]"
    )
    assert options == RetentionOptions(days=30.0, max_bytes=20_000_000_000, min_free_bytes=0)
    assert RetentionOptions.from_table({}, "").max_bytes == 10_000_000_000


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"day": 3}, "here: unknown key 'day'; expected one of days, max_bytes, min_free_bytes"),
        ({"days": "3"}, "here: days: expected a number"),
        ({"days": True}, "here: days: expected a number"),
        ({"days": 0}, "here: days: expected a number above 0"),
        ({"max_bytes": "lots"}, "here: max_bytes: expected a number of bytes"),
        ({"max_bytes": -1}, "here: max_bytes: expected a number of bytes"),
    ],
)
def test_mistakes_in_the_table(table: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        RetentionOptions.from_table(table, "here")
    assert told in str(error.value)
