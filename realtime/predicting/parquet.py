"""A Parquet file with a row for each video.

A Parquet file cannot grow. Rows are kept as JSON lines beside it, in NAME.rows.jsonl, until a run
ends; then all are written at once, and a run that was killed goes on with those lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rtaction.errors import OutputError, UsageError, extra_missing
from rtaction.output_file import no_room, whole_file
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import Format
from rtaction.realtime.predicting.table import Table


class ParquetTable:
    """Rows in the order in which they come; see `Table` for the arguments.

    Raises:
        MissingLibrary: pyarrow is not installed.
        UsageError, OutputError: see `Table`.
    """

    def __init__(self, path: Path, kind: Format, *, model: str, top: int) -> None:
        _pyarrow()
        self._path = path
        self._model = model
        self._top = top
        self._rows = path.with_name(f"{path.name}.rows.jsonl")
        self._table = Table(self._rows, "jsonl", model=model, top=top)
        before = self._before()
        self.done = self._table.done | set(before.column("video").to_pylist())

    @contextmanager
    def open(self) -> Iterator[None]:
        """Write rows within the block; see `Table.open`. The file itself is written at its end."""
        with self._table.open():
            yield  # whatever is raised here leaves the lines for the next run
        self._join()

    def write(self, answer: Answer) -> None:
        """Add the row of a video; see `Table.write`."""
        self._table.write(answer)

    def _before(self) -> Any:
        """The rows of the file; none if it is not there."""
        pyarrow, parquet = _pyarrow()
        schema = _schema(pyarrow)
        if not self._path.exists():
            return schema.empty_table()
        try:
            table = parquet.read_table(self._path)
        except OSError as error:
            raise OutputError(f"cannot read {self._path}: {error}") from None
        except pyarrow.ArrowInvalid:
            raise UsageError(
                f"--output {self._path} is no Parquet file; name another file"
            ) from None
        if table.schema.names != schema.names:
            raise UsageError(
                f"--output {self._path} holds other columns than predictions; name another file"
            )
        if set(table.column("model").unique().to_pylist()) - {self._model}:
            raise UsageError(
                f"--output {self._path} holds predictions of another model, or by other settings; "
                "name another file, or delete it"
            )
        return table.cast(schema)

    def _join(self) -> None:
        """Write all rows, then forget the lines: a kill between the two leaves both, and each
        video is then taken from the file."""
        pyarrow, parquet = _pyarrow()
        before = self._before()
        known = set(before.column("video").to_pylist())
        rows = [row for row in self._table.rows() if row["video"] not in known]
        new = pyarrow.Table.from_pylist(rows, schema=_schema(pyarrow))
        try:
            with whole_file(self._path) as path:
                parquet.write_table(pyarrow.concat_tables([before, new]), path)
            self._rows.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {no_room(error) or error}") from None


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise extra_missing("Parquet", "ray", error) from None
    return pyarrow, parquet


def _schema(pyarrow: Any) -> Any:
    scored = [("label", pyarrow.string()), ("score", pyarrow.float64())]
    event = [
        ("label", pyarrow.string()),
        ("start_seconds", pyarrow.float64()),
        ("end_seconds", pyarrow.float64()),
        ("score", pyarrow.float64()),
        ("person", pyarrow.int64()),
    ]
    return pyarrow.schema(
        [
            ("video", pyarrow.string()),
            *scored,
            ("top", pyarrow.list_(pyarrow.struct(scored))),
            ("events", pyarrow.list_(pyarrow.struct(event))),
            ("duration_seconds", pyarrow.float64()),
            ("is_short", pyarrow.bool_()),
            ("problem", pyarrow.string()),
            ("model", pyarrow.string()),
        ]
    )
