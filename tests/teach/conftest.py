"""What the tests of teaching share."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.teach.staging import write_takes

LABELS = ("clap", "nothing", "wave")


@pytest.fixture(scope="session")
def all_takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight takes each of clapping, waving and nothing, by one drawn person."""
    return write_takes(tmp_path_factory.mktemp("all"), LABELS, 8, seconds=2.2)


@pytest.fixture(scope="session")
def drawn_takes(all_takes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first five of each."""
    return _some(all_takes, tmp_path_factory.mktemp("drawn"), range(5))


@pytest.fixture(scope="session")
def other_takes(all_takes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last three of each."""
    return _some(all_takes, tmp_path_factory.mktemp("others"), range(5, 8))


def _some(folder: Path, into: Path, numbers: Iterable[int]) -> Path:
    for label in LABELS:
        (into / label).mkdir()
        for number in numbers:
            shutil.copy(folder / label / f"{number:02d}.mp4", into / label)
    return into
