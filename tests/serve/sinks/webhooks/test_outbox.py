from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rtaction.serve.sinks.webhooks.outbox import Outbox, forget_others


def keys(outbox: Outbox) -> list[str]:
    """All that waits, oldest first; afterwards nothing does."""
    found: list[str] = []
    while (first := outbox.first()) is not None:
        found.append(first.key)
        outbox.remove(first)
    return found


def test_in_order_once_each_and_bounded(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "new" / "queue.sqlite", "a", max_waiting=3)
    assert [outbox.put(key, b"") for key in "123134"] == [0, 0, 0, 0, 0, 1]
    assert len(outbox) == 3
    assert keys(outbox) == ["2", "3", "4"]
    assert len(outbox) == 0
    outbox.close()


def test_several_receivers_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    first, second = (Outbox(path, name, max_waiting=2) for name in "ab")
    for number in range(3):
        first.put(str(number), b"x")
    second.put("0", b"y")
    assert (len(first), len(second)) == (2, 1)
    first.close()
    second.close()
    assert forget_others(path, ["b"]) == 2
    assert forget_others(path, ["b"]) == 0
    again = Outbox(path, "b", max_waiting=2)
    waiting = again.first()
    assert waiting is not None
    assert (waiting.key, waiting.body) == ("0", b"y")
    again.close()


def test_a_damaged_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "queue.sqlite"
    path.write_bytes(b"this is no database" * 1000)
    outbox = Outbox(path, "a", max_waiting=3)
    assert outbox.put("1", b"") == 0
    assert len(outbox) == 1
    assert (tmp_path / "queue.damaged").read_bytes().startswith(b"this is no database")
    assert "is damaged" in caplog.text
    outbox.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_nobody_else_may_read_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    outbox = Outbox(path, "a", max_waiting=3)
    outbox.put("1", b"")
    modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    assert modes == {0o600}
    outbox.close()


def test_nothing_is_forgotten_where_there_is_nothing(tmp_path: Path) -> None:
    assert forget_others(tmp_path / "none.sqlite", []) == 0
    assert not (tmp_path / "none.sqlite").exists()
