"""Silence for libraries that write to stderr whatever their log level."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Discard everything written to descriptor 2 inside the block, also by C and C++ code."""
    with _descriptor_2_to(Path(os.devnull)):
        yield


@contextmanager
def native_stderr_to(path: Path) -> Iterator[None]:
    """Append what C and C++ code writes to stderr to a file; Python's stderr is unaffected."""
    before = sys.stderr
    with os.fdopen(os.dup(2), "w", buffering=1) as python_stderr, _descriptor_2_to(path):
        sys.stderr = python_stderr
        try:
            yield
        finally:
            sys.stderr = before


@contextmanager
def leaving_reader() -> Iterator[None]:
    """Allow the reader of our stdout to leave inside the block, as `head` does.

    Buffered output would fail again when Python exits, with exit code 120
    (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def _descriptor_2_to(path: Path) -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(target, 2)
    os.close(target)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
