"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from rtaction.errors import OutputError


def write_file(output: Path, content: bytes) -> None:
    """Write a file; missing folders are made.

    Raises:
        OutputError: it cannot be written; an older file of that name is left as it was.
    """
    if output.is_dir():
        raise OutputError(f"cannot write {output}: it is a folder; name a file, such as model.onnx")
    partial = output.with_name(f"partial-{output.name}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, output)
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error}") from None
