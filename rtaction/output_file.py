"""Files that are there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rtaction.errors import OutputError


@contextmanager
def whole_file(output: Path) -> Iterator[Path]:
    """Gives a path to write to; the file gets its name when the block has ended well.

    The path is hidden, lies beside `output`, and ends alike, as Keras and OpenCV choose their
    format by that. Missing folders are made.

    Raises:
        OutputError: the file cannot be written; an older one of that name is left as it was.
    """
    if output.is_dir():
        raise OutputError(f"cannot write {output}: it is a folder; name a file, such as model.onnx")
    partial = output.with_name(f".partial-{output.name}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            os.replace(partial, output)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error}") from None


def write_file(output: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        OutputError: see `whole_file`.
    """
    with whole_file(output) as path:
        path.write_bytes(content)


def write_json(output: Path, value: Any, *, indent: int = 2) -> None:
    """Write a JSON file, UTF-8, with a line feed at its end.

    Raises:
        OutputError: see `whole_file`.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        content = text.encode()
    except UnicodeEncodeError:  # the bytes of a path need not be text; JSON can escape them
        content = json.dumps(value, indent=indent).encode()
    write_file(output, content + b"\n")
