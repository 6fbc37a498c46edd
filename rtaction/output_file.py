"""Write files completely or not at all."""

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
    """Yield a temporary path to write to; it is renamed to `output` if the block succeeds.

    The path is hidden, next to `output` and with its suffix, because Keras and OpenCV choose the
    format by suffix. Missing folders are created.

    Raises:
        OutputError: the file cannot be written; an existing file of that name is unchanged.
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
    """Write a JSON file in UTF-8, with a newline at its end.

    Raises:
        OutputError: see `whole_file`.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        content = text.encode()
    except UnicodeEncodeError:  # paths need not be valid text; JSON can escape them
        content = json.dumps(value, indent=indent).encode()
    write_file(output, content + b"\n")
