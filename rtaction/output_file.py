"""Write files completely or not at all."""

from __future__ import annotations

import errno
import glob
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rtaction.errors import OutputError, RtactionError

_PREFIX = ".partial-"
_STALE_SECONDS = 24 * 3600.0
_NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the space that this user may take is used up",
    errno.EFBIG: "it is too large for this disk",
}


@contextmanager
def whole_file(output: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it is renamed to `output` if the block succeeds.

    The path is hidden, next to `output`, of its own for each call, and with its suffix, because
    Keras and OpenCV choose the format by suffix. Missing folders are created. A link stays a link,
    a file keeps its permissions, and into a pipe or device the content is copied.

    Raises:
        OutputError: the file cannot be written; an existing file of that name is unchanged.
    """
    if output.is_dir():
        raise OutputError(f"cannot write {output}: it is a folder; name a file, such as model.onnx")
    try:
        if output.exists() and not output.is_file():
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder) / output.name
                yield made
                with made.open("rb") as content, output.open("wb") as device:
                    shutil.copyfileobj(content, device)
            return
        target = Path(os.path.realpath(output))
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target)
        own = f"{os.getpid()}-{os.urandom(4).hex()}"
        partial = target.with_name(f"{_PREFIX}{own}-{target.name}")
        try:
            yield partial
            if target.exists():
                shutil.copymode(target, partial)
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    except RtactionError:
        raise
    except Exception as error:
        # Keras and TensorFlow have errors of their own for a disk that is full.
        reason = no_room(error)
        if reason or isinstance(error, OSError):
            raise OutputError(f"cannot write {output}: {reason or error}") from None
        raise


def no_room(error: BaseException) -> str | None:
    """Why there is no room to write, if an exception, or one that it was raised for, says so."""
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        if isinstance(at, OSError) and at.errno in _NO_ROOM:
            return _NO_ROOM[at.errno]
        if os.strerror(errno.ENOSPC) in str(at):
            return _NO_ROOM[errno.ENOSPC]
        at = at.__cause__ or at.__context__
    return None


def raise_if_no_room(error: BaseException) -> None:
    """Raise an `OutputError` for an exception of any library that a full disk has caused.

    Raises:
        OutputError: it was; the text says what to do.
    """
    reason = None if isinstance(error, RtactionError) else no_room(error)
    if reason:
        name = getattr(error, "filename", None)
        raise OutputError(
            f"cannot write {name or 'a file'}: {reason}; free some space, or, if it is the disk of "
            f"temporary files, {tempfile.gettempdir()}, set TMPDIR to a folder on another"
        ) from error


def _remove_stale(target: Path) -> None:
    """Remove what a process left that was killed more than a day ago."""
    for left in target.parent.glob(f"{_PREFIX}*-{glob.escape(target.name)}"):
        with suppress(OSError):  # another process may have been faster
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                left.unlink()


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
