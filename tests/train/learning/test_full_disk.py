"""A training whose disk is full says so, leaves no half files, and goes on when there is room."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import OutputError
from rtaction.train.settings.run_folder import RunFolder
from tests.train.small_training import quiet_training, small_config, write_squares


@contextmanager
def _files_of_at_most(num_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_is_kept_and_how_to_go_on_is_told(tmp_path: Path) -> None:
    config = small_config(write_squares(tmp_path / "videos"), epochs=1)
    folder = RunFolder(tmp_path / "run")
    # The network takes 680 kB, each picture and list less than 50 kB.
    with (
        _files_of_at_most(200_000),
        pytest.raises(
            OutputError,
            match=r"validated\.keras: .*no epoch is complete: once there is room, train again",
        ),
    ):
        quiet_training(config, folder.path)
    kept = ["model_spec.json", "sample_clips.npz", "split.json", "tensorflow.log"]
    assert sorted(one.name for one in folder.path.iterdir()) == [*kept, "train_config.json"]
    quiet_training(config, folder.path)
    whole = sorted(one.name for one in folder.path.iterdir())
    longer = replace(config, epochs=2)
    with (
        _files_of_at_most(200_000),
        pytest.raises(
            OutputError, match=r"up to epoch 1 is kept: once there is room, go on with --resume"
        ),
    ):
        quiet_training(longer, folder.path, resume=True)
    assert sorted(one.name for one in folder.path.iterdir()) == whole
    assert len(quiet_training(longer, folder.path, resume=True)) == 2


def test_the_report_is_made_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_config(write_squares(tmp_path / "videos"), epochs=1)
    folder = RunFolder(tmp_path / "run")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("matplotlib.figure.Figure.savefig", fail)
        with pytest.raises(
            OutputError, match=r"curves\.png: the disk is full; in .* up to epoch 1 is kept"
        ):
            quiet_training(config, folder.path, is_drawn=True)
    assert not (folder.path / "curves.png").exists()
    quiet_training(config, folder.path, resume=True, is_drawn=True)
    assert (folder.path / "report.html").stat().st_size > 1000
