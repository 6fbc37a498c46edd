"""The folder in which blocks run, a copy for each page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.places import make_place


@pytest.fixture(scope="package")
def made_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("place"))


@pytest.fixture
def place(made_place: Path, tmp_path: Path) -> Path:
    """A folder with all that the pages' commands name."""
    return shutil.copytree(made_place, tmp_path / "place")
