"""What was measured, as a table and as JSON. It knows nothing of GPUs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Args:
        part: of the benchmark.
        what: is measured.
        value: a median, in `unit`.
        unit: such as "ms".
        ratio: to the first way of the same thing. Default None: it is that, or there is none.
        note: what else was seen. Default: nothing.
    """

    part: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured, and why."""

    part: str
    what: str
    reason: str


Result: TypeAlias = Row | Skipped
HEAD = f"{'part':<11} {'what':<52} {'median':>10}        {'ratio':>7}"


def compared(part: str, prefix: str, seconds: dict[str, float], per: int = 1) -> Iterator[Row]:
    """Rows of ways that took turns, each compared with the first.

    Args:
        part, prefix: of each row; the name of the way is appended.
        seconds: of each way.
        per: items in one call; the rows are milliseconds for one.
    """
    first = next(iter(seconds.values()))
    for number, (name, each) in enumerate(seconds.items()):
        ratio = each / first if number else None
        yield Row(part, f"{prefix}{name}", each / per * 1000, "ms", ratio)


def print_results(results: Iterator[Result], say: Callable[[str], None]) -> list[Result]:
    """Print each result as it comes; returns them all."""
    say(HEAD)
    seen = []
    for one in results:
        seen.append(one)
        if isinstance(one, Skipped):
            say(f"{one.part:<11} {one.what:<52} skipped: {one.reason}")
            continue
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}x"
        line = f"{one.part:<11} {one.what:<52} {one.value:>10.3f} {one.unit:<6} {ratio:>7}"
        say(f"{line}  {one.note}".rstrip())
    return seen


def write_json(path: Path, machine: dict[str, Any], results: list[Result]) -> None:
    """Write what was measured, and on what."""
    rows = [{"skipped": isinstance(one, Skipped)} | asdict(one) for one in results]
    path.write_text(json.dumps({"machine": machine, "results": rows}, indent=1) + "\n")
