"""Progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer


@contextmanager
def progress(what: str, number: int) -> Iterator[Callable[[], None]]:
    """A bar where a person watches stderr; gives what to call after each step."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with typer.progressbar(length=number, label=what, file=sys.stderr) as bar:
        yield lambda: bar.update(1)
