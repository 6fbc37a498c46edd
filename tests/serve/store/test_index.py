"""The index keeps events over restarts, kills, damage and a full disk, and finds them again."""

from __future__ import annotations

import csv
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import NoSuchThing, OutputError, UsageError
from rtaction.serve.house.house import Query
from rtaction.serve.house.record import new_event_id
from rtaction.serve.store.database import Database
from rtaction.serve.store.index import EventIndex
from rtaction.serve.store.rows import sql_of
from tests.serve.made_events import NOON, made_event
from tests.serve.small_disks import fill, small_disk

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EventIndex]:
    with closing(EventIndex(tmp_path / "events.db")) as opened:
        yield opened


def ids(index: EventIndex, **query: Any) -> list[str]:
    return [record.id for record in index.find(Query(**query))]


def test_an_event_is_kept_as_it_is(tmp_path: Path) -> None:
    record = made_event(
        started_at=NOON + timedelta(microseconds=1),
        person=7,
        box=(0.1, 0.2, 0.3, 1 / 3),
        zones=("porch", "Tür ñ"),
        clip="a.mp4",
        snapshot="a.jpg",
        verdict="fall",
    )
    bare = made_event(1, ended_at=None)
    with closing(EventIndex(tmp_path / "folder" / "events.db")) as index:
        index.add(record)
        index.add(bare)
    with closing(EventIndex(tmp_path / "folder" / "events.db")) as index:
        assert index.get(record.id) == record
        assert index.get(bare.id) == bare


def test_queries(index: EventIndex) -> None:
    events = [
        made_event(0),
        made_event(1, camera="yard", label="fall", person=2, verdict="right"),
        made_event(2, label="fall"),
        made_event(3, camera="yard", person=2, verdict="sit", ended_at=None),
    ]
    for record in events:
        index.add(record)
    zero, one, two, three = [record.id for record in events]

    def at(minutes: float) -> Any:
        return NOON + timedelta(minutes=minutes)

    assert ids(index) == [three, two, one, zero]
    assert ids(index, limit=2) == [three, two]
    assert ids(index, limit=2, before=two) == [one, zero]
    assert ids(index, before=zero) == []
    # Those that end at or after it, or go on; the first ended ten seconds after noon.
    assert ids(index, since=at(10 / 60)) == [three, two, one, zero]
    assert ids(index, since=at(0.5)) == [three, two, one]
    assert ids(index, since=at(60)) == [three]
    # Those that start before it.
    assert ids(index, until=at(2)) == [one, zero]
    assert ids(index, since=at(1), until=at(2.5)) == [two, one]
    assert ids(index, camera="yard") == [three, one]
    assert ids(index, label="fall", camera="door") == [two]
    assert ids(index, person=2, before=three) == [one]
    assert ids(index, verdict="none") == [two, zero]
    assert ids(index, verdict="sit") == [three]


def test_pages_go_on_where_the_last_event_was_removed(index: EventIndex) -> None:
    for number in range(4):
        index.add(made_event(number))
    index.forget_before(NOON + timedelta(minutes=1.5))
    assert ids(index, before=made_event(1).id) == []
    assert ids(index) == [made_event(3).id, made_event(2).id]


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_out_of_range(index: EventIndex, limit: int) -> None:
    with pytest.raises(UsageError, match=f"1 to 1000 events, got {limit}"):
        index.find(Query(limit=limit))


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(camera="door"),
        Query(label="fall", before="x"),
        Query(person=1),
        Query(verdict="none"),
        Query(since=NOON),
        Query(camera="door", since=NOON, until=NOON),
    ],
)
def test_no_query_reads_the_whole_table(index: EventIndex, tmp_path: Path, query: Query) -> None:
    index.add(made_event())
    sql, values = sql_of(query)
    with closing(sqlite3.connect(tmp_path / "events.db")) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    # In the order of the ids, it ends as soon as there are enough.
    assert not any(step.startswith("USE TEMP B-TREE") for step in plan) or "SEARCH" in str(plan)


def test_who_watches_takes_back_nothing_that_others_said(index: EventIndex) -> None:
    started = made_event(ended_at=None, peak_score=0.6)
    index.add(started)
    index.add_files(started.id, snapshot="a.jpg")
    index.judge(started.id, "right")

    ended = index.update(replace(started, ended_at=NOON + timedelta(seconds=3), peak_score=0.9))

    assert ended == index.get(started.id)
    assert (ended.snapshot, ended.verdict, ended.peak_score) == ("a.jpg", "right", 0.9)
    with_clip = index.add_files(started.id, clip="a.mp4")
    assert with_clip is not None
    assert (with_clip.clip, with_clip.snapshot) == ("a.mp4", "a.jpg")
    assert index.judge(started.id, None).verdict is None


def test_nothing_is_made_of_an_event_that_is_not_there(index: EventIndex) -> None:
    assert index.add_files("nobody", clip="a.mp4") is None
    with pytest.raises(NoSuchThing, match="there is no event 'nobody'"):
        index.get("nobody")
    with pytest.raises(NoSuchThing):
        index.judge("nobody", "right")
    assert ids(index) == []


def test_events_that_went_on_when_the_process_was_killed(index: EventIndex) -> None:
    over, open_, later = made_event(0), made_event(1, ended_at=None), made_event(9, ended_at=None)
    for record in (over, open_, later):
        index.add(record)
    at = NOON + timedelta(minutes=5)

    closed = index.close_open(at)

    assert closed == [replace(open_, ended_at=at), replace(later, ended_at=later.started_at)]
    assert [index.get(record.id) for record in closed] == closed
    assert index.get(over.id) == over
    assert index.close_open(at) == []


def test_a_day_as_csv(index: EventIndex) -> None:
    midnight = NOON - timedelta(hours=12)
    records = [
        made_event(1),
        made_event(
            2,
            label="=cmd|' /C calc'!A0",
            camera_name='@home, "door"',
            zones=("-1", "porch"),
            box=(0.1, 0.2, 0.3, 0.4),
            ended_at=None,
        ),
    ]
    for started_at in (midnight - timedelta(microseconds=1), midnight + timedelta(days=1)):
        index.add(made_event(id=new_event_id(started_at), started_at=started_at))
    for number in range(3, 1100):  # more than a page
        index.add(made_event(0, id=f"20261130T120000000Z-{number:08x}"))
    for record in records:
        index.add(record)

    lines = list(index.csv(date(2026, 11, 30)))

    rows = list(csv.DictReader(lines))
    assert len(rows) == len(lines) - 1 == 1099
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert all(line.endswith("\r\n") for line in lines)
    plain, evil = rows[-2:]
    assert plain["started_at"] == "2026-11-30T12:01:00.000Z"
    assert (plain["duration_seconds"], plain["peak_score"], plain["person"]) == ("10.0", "0.75", "")
    assert (evil["label"], evil["camera_name"]) == ("'=cmd|' /C calc'!A0", '\'@home, "door"')
    assert (evil["zones"], evil["ended_at"], evil["left"]) == ("'-1; porch", "", "0.2")
    assert list(index.csv(date(2026, 11, 29)))[1:] != []
    assert len(list(index.csv(date(2026, 1, 1)))) == 1


def test_settings_last(tmp_path: Path) -> None:
    value = {"wave": 0.8, "ñ": [1, None]}
    with closing(EventIndex(tmp_path / "events.db")) as index:
        assert index.get_setting("thresholds/door") is None
        index.set_setting("thresholds/door", {"wave": 0.5})
        index.set_setting("thresholds/door", value)
        index.set_setting("enabled/door", False)
    with closing(EventIndex(tmp_path / "events.db")) as index:
        assert index.get_setting("thresholds/door") == value
        assert index.get_setting("enabled/door", True) is False
        index.set_setting("enabled/door", None)
        assert index.get_setting("enabled/door", True) is True


def test_many_threads_write_and_read(index: EventIndex) -> None:
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 40):
                index.add(made_event(number, ended_at=None))
                index.update(made_event(number))
                assert index.get(made_event(number).id).ended_at is not None
                index.find(Query(limit=5))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(100 * number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(ids(index, limit=1000)) == 240
    assert index.num_missed == 0


_WRITES = """
import sys
from pathlib import Path
from rtaction.serve.store.index import EventIndex
from tests.serve.made_events import made_event
index = EventIndex(Path(sys.argv[1]))
for number in range(1_000_000):
    index.add(made_event(number, ended_at=None))
    print(number, flush=True)
"""


def test_a_process_that_is_killed_loses_nothing_it_has_written(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    written = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITES, path],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) >= 150:
                    os.kill(process.pid, signal.SIGKILL)
                    break
            written = max([int(line), *map(int, process.stdout.read().split())])
        with closing(EventIndex(path)) as index:
            assert len(ids(index, limit=1000)) >= min(written + 1, 1000)
            assert len(index.close_open(NOON)) >= written + 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["events.db"]


@pytest.mark.parametrize("damage", ["text", "half", "page"])
def test_a_damaged_file_is_put_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path = tmp_path / "events.db"
    with closing(EventIndex(path)) as index:
        for number in range(300):
            index.add(made_event(number))
    content = path.read_bytes()
    if damage == "text":
        path.write_text("no database, but long enough to be read as one " * 30)
    elif damage == "half":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(content[:8192] + b"\xff" * 4096 + content[12288:])
    before = path.read_bytes()

    with caplog.at_level(logging.WARNING), closing(EventIndex(path)) as index:
        assert ids(index) == []
        index.add(made_event())
        assert ids(index) == [made_event().id]

    (aside,) = tmp_path.glob("events.db.damaged-*Z")
    assert aside.read_bytes()[:4096] == before[:4096]
    assert f"{path} is damaged" in caplog.text
    assert aside.name in caplog.text


def test_a_file_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    EventIndex(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageError, match=r"newer version of rtaction .its version is 99"):
        EventIndex(path)


def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    steps = ["CREATE TABLE one (a); INSERT INTO one VALUES (7)"]
    path = tmp_path / "some.db"
    Database(path, steps).close()
    # The second step fails in its middle: nothing of it stays.
    with pytest.raises(OutputError, match=r"cannot be opened: .*nothing"):
        Database(path, [*steps, "ALTER TABLE one ADD COLUMN b; SELECT * FROM nothing"])
    steps.append("ALTER TABLE one ADD COLUMN b; UPDATE one SET b = a + 1")
    for _ in range(2):
        with (
            closing(Database(path, steps)) as database,
            database.reading() as connection,
        ):
            assert connection.execute("SELECT * FROM one").fetchall() == [(7, 8)]
            assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot create the folder"):
        EventIndex(tmp_path / "file" / "events.db")
    with pytest.raises(OutputError, match="cannot be opened"):
        EventIndex(tmp_path)


def test_a_full_disk_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with small_disk(tmp_path / "disk", num_bytes=1_000_000) as disk:
        index = EventIndex(disk / "events.db")
        index.add(made_event(0))
        filling = fill(disk)
        with caplog.at_level(logging.WARNING):
            for number in range(1, 3000):
                index.add(made_event(number))
            index.update(made_event(0, peak_score=0.9))
        assert index.num_missed > 100
        assert caplog.text.count("events cannot be kept") == 1
        with pytest.raises(OutputError, match=r"this cannot be kept in .*full"):
            index.set_setting("enabled/door", "x" * 100_000)
        assert ids(index, limit=1) != []

        filling.unlink()
        caplog.clear()
        index.update(made_event(5000))
        assert ids(index, limit=1) == [made_event(5000).id]
        assert "is written to again" in caplog.text
        index.close()


def test_a_disk_that_is_full_from_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk", num_bytes=400_000) as disk:
        filling = fill(disk)
        index = EventIndex(disk / "events.db")
        index.add(made_event(0))
        assert index.num_missed == 1
        filling.unlink()
        index.add(made_event(1))
        assert ids(index) == [made_event(1).id]
        index.close()


def test_tidying(index: EventIndex, tmp_path: Path) -> None:
    for number in range(10):
        index.add(made_event(number))
    index.tidy(most_events=4)
    assert ids(index) == [made_event(number).id for number in (9, 8, 7, 6)]
    # What was written is in the file itself.
    with closing(sqlite3.connect(f"file:{tmp_path / 'events.db'}?immutable=1", uri=True)) as only:
        assert only.execute("SELECT count(*) FROM events").fetchone() == (4,)


def test_forgotten_files(index: EventIndex) -> None:
    index.add(made_event(0, clip="a.mp4", snapshot="a.jpg"))
    index.add(made_event(1, clip="b.mp4", snapshot="b.jpg"))
    index.forget_files(["a.mp4", "b.jpg", "unknown.mp4"])
    assert index.get(made_event(0).id) == made_event(0, snapshot="a.jpg")
    assert index.get(made_event(1).id) == made_event(1, clip="b.mp4")


def test_nothing_is_written_after_the_end(index: EventIndex) -> None:
    index.close()
    index.close()
    index.add(made_event())
    assert index.num_missed == 1


def test_times_without_a_zone_are_utc(index: EventIndex) -> None:
    index.add(made_event())
    assert ids(index, until=NOON.replace(tzinfo=None) + timedelta(minutes=1)) == [made_event().id]
    assert index.get(made_event().id).started_at.tzinfo is UTC
