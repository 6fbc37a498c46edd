"""A file is there whole, or as it was."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from rtaction.errors import DatasetError, OutputError
from rtaction.output_file import no_room, raise_if_no_room, whole_file, write_file, write_json


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    output = tmp_path / "a" / "b" / "model.onnx"
    write_file(output, b"1")
    write_file(output, b"22")
    assert output.read_bytes() == b"22"
    assert list(output.parent.iterdir()) == [output]


def test_the_partial_file_is_hidden_and_keeps_the_suffix(tmp_path: Path) -> None:
    with whole_file(tmp_path / "model.keras") as path:
        assert (path.parent, path.suffix) == (tmp_path, ".keras")
        assert path.name.startswith(".")
        path.write_bytes(b"")


@pytest.mark.parametrize(
    ("error", "raised"), [(ValueError("no"), ValueError), (OSError(28, "full"), OutputError)]
)
def test_a_failure_leaves_the_old_file_and_no_partial_one(
    tmp_path: Path, error: Exception, raised: type[Exception]
) -> None:
    output = tmp_path / "history.csv"
    write_file(output, b"old")
    with pytest.raises(raised), whole_file(output) as path:  # noqa: PT012
        path.write_bytes(b"half")
        raise error
    assert output.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [output]


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="it is a folder"):
        write_file(tmp_path, b"")


def test_a_folder_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_file(tmp_path / "file" / "x", b"")


def test_json_is_readable_and_survives_names_that_are_not_text(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"label": "grüßen"})
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == '{\n  "label": "grüßen"\n}\n'

    name = os.fsdecode(b"v\xff.mp4")
    write_json(tmp_path / "y.json", [name])
    assert json.loads((tmp_path / "y.json").read_text(encoding="utf-8")) == [name]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    output = tmp_path / "model.onnx"
    with whole_file(output) as first, whole_file(output) as second:
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert output.read_bytes() == b"first"  # it ended last
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "kept" / "model.onnx", tmp_path / "model.onnx"
    write_file(target, b"old")
    target.chmod(0o640)
    link.symlink_to(target)

    write_file(link, b"new")

    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()

    write_file(pipe, b"content")

    reader.join(timeout=30)
    assert read == [b"content"]
    assert pipe.is_fifo()


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / ".partial-1-aa-x.json", tmp_path / ".partial-2-bb-x.json"
    for path in (old, new):
        path.touch()
    two_days_ago_seconds = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago_seconds, two_days_ago_seconds))

    write_file(tmp_path / "x.json", b"{}")

    assert not old.exists()
    assert new.exists()


def _as_keras_does() -> None:
    try:
        raise OSError(28, "No space left on device")
    except OSError:
        raise ValueError("Can't close the ZIP file while there is an open writing handle") from None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "x"), "the disk is full"),
        (OSError(27, "x"), "it is too large for this disk"),
        (RuntimeError("cannot write; No space left on device"), "the disk is full"),
        (OSError(13, "Permission denied"), None),
        (ValueError("no"), None),
    ],
)
def test_a_full_disk_is_found_in_the_errors_of_any_library(
    error: Exception, reason: str | None
) -> None:
    assert no_room(error) == reason
    wrapped = ValueError("cannot close the archive")
    wrapped.__context__ = error
    assert no_room(wrapped) == reason
    error.__context__ = wrapped  # a circle ends
    assert no_room(wrapped) == reason


def test_no_room_anywhere_is_an_output_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"cannot write .*x\.onnx: the disk is full$"),
        whole_file(tmp_path / "x.onnx"),
    ):
        _as_keras_does()
    with pytest.raises(OutputError, match=r"a file: the disk is full; .*set TMPDIR"):
        raise_if_no_room(OSError(28, "No space left on device"))
    raise_if_no_room(OSError(13, "Permission denied"))
    raise_if_no_room(DatasetError("No space left on device"))
