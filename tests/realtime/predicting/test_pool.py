from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rtaction.realtime.predicting.pool import Pool

_added = 0


def _prepare(added: int) -> None:
    global _added
    _added = added


def _work(item: int) -> int:
    """The item and what was prepared; some items kill the process, and others take long."""
    if item == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    if item >= 1000:
        time.sleep(item)
    time.sleep(0.02 * (item % 3))
    return item + _added


def _work_once(path: Path) -> str:
    """Dies on a file that is there, and takes it away before."""
    if path.exists():
        path.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def _lost(item: int) -> int:
    return -item


def _lost_file(path: Path) -> str:
    return f"lost {path.name}"


def test_results_come_in_order_and_a_death_takes_one_item() -> None:
    pool = Pool(2, _work, _prepare, (100,), _lost)
    items = [*range(10), 13, *range(20, 26)]
    expected = [item + 100 if item != 13 else -13 for item in items]
    assert list(pool.results(items)) == expected


def test_an_item_is_tried_again_after_a_death(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    paths = [tmp_path / name for name in "abc"]
    pool = Pool(2, _work_once, _prepare, (0,), _lost_file)
    assert list(pool.results(paths)) == ["a", "b", "c"]


def test_nothing_to_do() -> None:
    assert list(Pool(2, _work, _prepare, (0,), _lost).results([])) == []


def test_whoever_stops_waits_for_nobody() -> None:
    pool = Pool(2, _work, _prepare, (0,), _lost)
    started = time.monotonic()
    with closing(pool.results([1, 2, 3000, 3001])) as results:
        assert next(results) == 1
        assert next(results) == 2
        children = multiprocessing.active_children()
    assert len(children) == 2
    # The executor may be asking for the same death, and only one of two learns of it at once.
    while any(child.is_alive() for child in children):
        assert time.monotonic() - started < 60
        time.sleep(0.05)


@pytest.mark.parametrize("num_items", [1, 3])
def test_items_are_taken_as_they_are_needed(num_items: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(50):
            taken.append(item)
            yield item

    with closing(Pool(1, _work, _prepare, (0,), _lost).results(items())) as results:
        for _ in range(num_items):
            next(results)
    assert len(taken) == num_items + 1
