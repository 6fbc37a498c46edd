"""CSV files that people write about videos, line by line: every mistake is told with its line.

Times may be called `start_seconds` and `end_seconds`, or `start` and `end`, or `time_start` and
`time_end`. This module opens no video.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtaction.errors import DatasetError, UsageError
from rtaction.video.span import Span

_SAME = {
    "start": "start_seconds",
    "end": "end_seconds",
    "time_start": "start_seconds",
    "time_end": "end_seconds",
}


@dataclass(frozen=True, slots=True)
class CsvLine:
    """One line below the header.

    Args:
        number: of the line in the file, counted from 1.
        where: file and line, for errors.
        values: by column, stripped; "" where the line is too short.
        written: the columns' names as the file has them, by those that are used here.
    """

    number: int
    where: str
    values: Mapping[str, str]
    written: Mapping[str, str]

    def text(self, column: str) -> str:
        """A value; "" if there is none, or no such column."""
        return self.values.get(column, "")

    def choice(self, column: str, meanings: Mapping[str, str]) -> str:
        """The meaning of a value that is one of a few.

        Raises:
            DatasetError: it is none of them.
        """
        text = self.text(column)
        if text not in meanings:
            expected = " or ".join(f'"{one}"' for one in meanings)
            raise DatasetError(f"{self.where}: {column}: expected {expected}, got {text!r}")
        return meanings[text]

    def span(self) -> Span:
        """Its start and end.

        Raises:
            DatasetError: one is no time, or the end is not after the start.
        """
        start_seconds, end_seconds = self.seconds("start_seconds"), self.seconds("end_seconds")
        if end_seconds <= start_seconds:
            start, end = self.written["start_seconds"], self.written["end_seconds"]
            raise DatasetError(
                f"{self.where}: {end} must be above {start} {start_seconds:g}, got {end_seconds:g}"
            )
        return Span(start_seconds, end_seconds, self.number)

    def seconds(self, column: str) -> float:
        """A time.

        Raises:
            DatasetError: it is none.
        """
        text = self.text(column)
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds < math.inf:
            raise DatasetError(
                f"{self.where}: {self.written[column]}: expected seconds such as 12.4, got {text!r}"
            )
        return seconds


def read_lines(csv_path: Path, check_header: Callable[[Sequence[str], str], None]) -> list[CsvLine]:
    """Read a CSV file with a header.

    Args:
        csv_path: the file, UTF-8.
        check_header: called with the columns, under the names that are used here, and with the
            header as it is, for errors; raises `DatasetError` if they are not as expected.

    Returns:
        Its lines below the header, in order.

    Raises:
        UsageError: the file cannot be read.
        DatasetError: it is not valid CSV, or has a wrong header or a line that is too long.
    """
    try:
        # Excel writes a byte order mark before the header.
        with csv_path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            header = [name.strip() for name in rows.fieldnames or ()]
            columns = [_SAME.get(name, name) for name in header]
            shown = ",".join(header) or "nothing"
            if len(set(columns)) < len(columns):
                raise DatasetError(f"{csv_path}, line 1: columns must differ, got {shown}")
            check_header(columns, shown)
            rows.fieldnames = columns
            written = dict(zip(columns, header, strict=True))
            return [_line(row, rows.line_num, csv_path, written) for row in rows]
    except OSError as error:
        raise UsageError(f"{csv_path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{csv_path} is not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise DatasetError(f"{csv_path} is not valid CSV: {error}") from None


def _line(
    row: Mapping[str, str | None], number: int, csv_path: Path, written: Mapping[str, str]
) -> CsvLine:
    where = f"{csv_path}, line {number}"
    if None in row:  # where csv puts values beyond the header
        raise DatasetError(f"{where}: more values than the header has; is there a comma in a name?")
    values = {name: (text or "").strip() for name, text in row.items()}
    return CsvLine(number, where, values, written)
