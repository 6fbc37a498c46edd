"""Houses for tests, which are closed at their end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rtaction.serve.watching.watchman import Watchman
from tests.serve.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def opened() -> Iterator[list[Watchman]]:
    houses: list[Watchman] = []
    yield houses
    for house in houses:
        house.close(5.0)
