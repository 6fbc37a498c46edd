"""Tables with a row for each video, which grow row by row and may be continued."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rtaction.errors import OutputError, UsageError
from rtaction.output_file import no_room
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import Format


class Table:
    """Rows in the order of the videos.

    Args:
        path: the file; what is in it stays.
        kind: "csv" or "jsonl".
        model: identity of the model and the settings; all rows of a file have the same.
        top: how many labels to give with their scores.

    Attributes:
        done: the videos that were in the file.

    Raises:
        UsageError: the file holds something else, or rows of another model or other settings.
        OutputError: it cannot be read.
    """

    def __init__(self, path: Path, kind: Format, *, model: str, top: int) -> None:
        self._path = path
        self._is_csv = kind == "csv"
        self._model = model
        self._top = top
        self.done: set[str] = set()
        self._num_bytes = 0
        self._file: IO[bytes] | None = None
        try:
            content = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise OutputError(f"cannot read {path}: {error.strerror}") from None
        # A run that was killed may have left half a row.
        self._num_bytes = content.rfind(b"\n") + 1
        for row in self._rows(content[: self._num_bytes]):
            self._require_own(row)
            self.done.add(str(row["video"]))

    @contextmanager
    def open(self) -> Iterator[None]:
        """Write rows within the block.

        Raises:
            OutputError: the file cannot be written; rows before that are kept.
        """
        with self._told():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Without a buffer, whatever a full disk refuses is not tried again at the end.
            file = self._path.open("r+b" if self._path.exists() else "w+b", buffering=0)
        with file:
            with self._told():
                file.truncate(self._num_bytes)
                file.seek(self._num_bytes)
                self._file = file
                if self._is_csv and self._num_bytes == 0:
                    self._write(self._line(self._columns))
            yield

    def write(self, answer: Answer) -> None:
        """Add the row of a video.

        Raises:
            OutputError: the file cannot be written.
        """
        row = answer.to_dict(top=self._top)
        if not self._is_csv:
            line = json.dumps(row | {"model": self._model}, ensure_ascii=False) + "\n"
        else:
            line = self._line(self._cells(row))
        with self._told():
            self._write(line)

    def rows(self) -> list[dict[str, Any]]:
        """All rows in the file, as they were written."""
        return self._rows(self._path.read_bytes())

    @property
    def _columns(self) -> list[str]:
        more = [f"{name}_{n}" for n in range(2, self._top + 1) for name in ("label", "score")]
        return [
            *("video", "label", "score", *more),
            *("events", "duration_seconds", "is_short", "problem", "model"),
        ]

    def _cells(self, row: dict[str, Any]) -> list[Any]:
        top = [one[name] for one in row["top"] for name in ("label", "score")]
        events = "; ".join(
            f"{one['label']} {one['start_seconds']:g}-{one['end_seconds']:g}"
            for one in row["events"]
        )
        return [
            row["video"],
            *(top + [""] * (2 * self._top - len(top))),
            *(events, row["duration_seconds"], "yes" if row["is_short"] else ""),
            *(row["problem"] or "", self._model),
        ]

    def _line(self, cells: list[Any]) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue()

    def _write(self, line: str) -> None:
        assert self._file is not None
        # File names need not be text: whatever was not is written as it was.
        content = line.encode("utf-8", "surrogateescape")
        while content:
            content = content[self._file.write(content) :]

    def _rows(self, content: bytes) -> list[dict[str, Any]]:
        text = content.decode("utf-8", "surrogateescape")
        try:
            if not self._is_csv:
                rows = [json.loads(line) for line in text.splitlines()]
            elif text:
                header, *lines = csv.reader(io.StringIO(text), strict=True)
                if header != self._columns:
                    raise ValueError("its columns are others")
                rows = [dict(zip(header, line, strict=True)) for line in lines]
            else:
                rows = []
            if not all(isinstance(row, dict) and {"video", "model"} <= set(row) for row in rows):
                raise ValueError("a row lacks its video or its model")
        except (ValueError, csv.Error, RecursionError) as error:
            raise UsageError(
                f"--output {self._path}: expected predictions of before, to be continued, but "
                f"{error}; name another file, or give the same --top as then"
            ) from None
        return rows

    def _require_own(self, row: dict[str, Any]) -> None:
        if row["model"] != self._model:
            raise UsageError(
                f"--output {self._path} holds predictions of another model, or by other settings; "
                "name another file, or delete it"
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = no_room(error) or error.strerror
            raise OutputError(f"cannot write {self._path}: {reason}") from None
