"""Answers in a Parquet file."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtaction.errors import UsageError
from rtaction.realtime.predicting.answer import Answer, Span
from rtaction.realtime.predicting.parquet import ParquetTable

parquet = pytest.importorskip("pyarrow.parquet")


def answer(name: str, problem: str = "") -> Answer:
    if problem:
        return Answer(Path(name), (), (), 0.0, problem=problem)
    scores = (("wave", 0.75), ("clap", 0.25))
    return Answer(Path(name), scores, (Span("wave", 0.5, 1.25, 0.9, 2),), 2.0)


def table(path: Path, model: str = "m1") -> ParquetTable:
    return ParquetTable(path, "parquet", model=model, top=2)


def test_rows_come_back_as_they_were_and_later_ones_are_added(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    first = table(path)
    with first.open():
        first.write(answer("a.mp4"))
        first.write(answer("broken.mp4", "it is broken"))
    second = table(path)
    assert second.done == {"a.mp4", "broken.mp4"}
    with second.open():
        second.write(answer("b.mp4"))
    rows = parquet.read_table(path).to_pylist()
    assert [row["video"] for row in rows] == ["a.mp4", "broken.mp4", "b.mp4"]
    expected = answer("b.mp4").to_dict(top=2) | {"model": "m1"}
    assert rows[2] == expected
    assert rows[1]["problem"] == "it is broken"
    assert rows[1]["score"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_a_run_that_was_killed_goes_on_with_its_rows(tmp_path: Path) -> None:
    """Also one that was killed after the file was written, and before its rows were removed."""
    path = tmp_path / "out.parquet"
    writing = table(path)
    with writing._table.open():  # and no more: the process is killed
        writing.write(answer("a.mp4"))
    rows = (tmp_path / "out.parquet.rows.jsonl").read_bytes()
    assert not path.exists()
    (tmp_path / "out.parquet.rows.jsonl").write_bytes(rows + b'{"video": "half')
    again = table(path)
    assert again.done == {"a.mp4"}
    with again.open():
        again.write(answer("b.mp4"))
    (tmp_path / "out.parquet.rows.jsonl").write_bytes(rows)
    with table(path).open():
        pass
    assert parquet.read_table(path).column("video").to_pylist() == ["a.mp4", "b.mp4"]


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    first = table(path)
    with first.open():
        first.write(answer("a.mp4"))
    with pytest.raises(UsageError, match="predictions of another model"):
        table(path, "m2")
    path.write_bytes(b"no table")
    with pytest.raises(UsageError, match="is no Parquet file"):
        table(path)
