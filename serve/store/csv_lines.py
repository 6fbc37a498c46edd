"""Events as lines of CSV that a spreadsheet opens without computing anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from rtaction.serve.house.record import EventRecord

# Spreadsheets take a cell that begins with one of these for a formula; a single quote before it
# makes it text (https://owasp.org/www-community/attacks/CSV_Injection).
_BEGINS_A_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_EDGES = ("top", "left", "bottom", "right")
HEADER = (
    *("id", "camera", "camera_name", "label", "started_at", "ended_at", "duration_seconds"),
    *("peak_score", "model", "person", *_EDGES, "zones"),
    *("clip", "snapshot", "verdict"),
)


def csv_lines(records: Iterable[EventRecord]) -> Iterator[str]:
    """A header, and a line for each event, each with its line end as RFC 4180 has it.

    Names of zones are joined by "; ". What is unknown is empty.
    """
    yield _line(HEADER)
    for record in records:
        told = record.to_dict()
        told |= dict(zip(_EDGES, told["box"] or [None] * 4, strict=True))
        told["zones"] = "; ".join(record.zones)
        yield _line([told[name] for name in HEADER])


def _line(cells: Iterable[Any]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, quoting=csv.QUOTE_NONNUMERIC).writerow([_safe(cell) for cell in cells])
    return line.getvalue()


def _safe(cell: Any) -> Any:
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_BEGINS_A_FORMULA) else cell
