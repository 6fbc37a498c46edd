"""Fixtures that all rooms share: videos made on the spot, models small enough to reason about."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from rtaction.cli.app import main
from rtaction.model_spec import ModelSpec
from tests.displays import started_display
from tests.tiny_model import write_tiny_model
from tests.videos import write_indexed_video

gc.disable()  # until everything is imported, see `pytest_collection_finish`
TESTS = Path(__file__).parent
REAL_CLIPS = Path(
    os.environ.get("RTACTION_REAL_CLIPS", Path(__file__).parents[2] / "shared" / "data")
)


# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# TensorFlow and numpy would each take all cores in each of pytest-xdist's processes.
for _name in ("OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"):
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault(_name, "1")


def pytest_xdist_auto_num_workers() -> int:
    """Processes of `-n auto`: two for each core, as half of the tests wait for cameras."""
    return 2 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4


_LONGEST_FIRST = (
    *("train", "export", "cluster", "serve", "teach", "examples", "realtime", "docs", "core"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the rooms whose tests take long, so that no process is left alone with them."""
    items.sort(key=lambda item: _LONGEST_FIRST.index(item.path.relative_to(TESTS).parts[0]))


def pytest_collection_finish() -> None:
    """Search less for garbage, and not among what was imported: TensorFlow is a million objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests decode, and compile, out of the cache folder of whoever runs them."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(autouse=True)
def _own_loudness() -> Iterator[None]:
    """Leave no `--quiet` of a command that ran in this process to the tests after it."""
    logger = logging.getLogger("rtaction")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A display that nobody sees, such as ":1"."""
    server, name = started_display("1024x768x24")
    yield name
    server.kill()
    server.wait()


Here = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Runs the command line in this process, without a display: exit code, stdout, stderr."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rtaction", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capfd.readouterr()

    return run


@pytest.fixture
def real_clips() -> Path:
    """Folder of real clips, which are not part of the project."""
    if not REAL_CLIPS.is_dir():
        pytest.skip(f"no real clips at {REAL_CLIPS}; set RTACTION_REAL_CLIPS to a folder of them")
    return REAL_CLIPS


@pytest.fixture
def tiny_spec() -> ModelSpec:
    """Five pictures of 8x8 over one second; "dark" and "bright" are told apart by their mean."""
    return ModelSpec(
        labels=("bright", "dark"), frames_per_clip=5, clip_seconds=1.0, height=8, width=8
    )


@pytest.fixture
def tiny_model(tmp_path: Path, tiny_spec: ModelSpec) -> Path:
    """An ONNX model that says how bright a clip is; see `write_tiny_model`."""
    return write_tiny_model(tmp_path / "tiny.onnx", tiny_spec)


@pytest.fixture
def indexed_video(tmp_path: Path) -> Callable[..., Path]:
    """Writes a lossless video whose pictures show their own number; see `write_indexed_video`."""

    def write(times_seconds: np.ndarray, name: str = "indexed.mkv") -> Path:
        return write_indexed_video(tmp_path / name, times_seconds)

    return write
