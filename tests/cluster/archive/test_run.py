"""An archive on two nodes of Ray on this machine, whose processes and nodes are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rtaction.cluster.connection import import_ray
from rtaction.model_spec import ModelSpec
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.work import judge
from tests.cluster.archive.drawn import steady, write_waves
from tests.conftest import Here
from tests.tiny_model import write_tiny_model
from tests.videos import write_flat_video

pytestmark = pytest.mark.slow
pytest.importorskip("ray")

# Whoever reads the file that kills to its end dies, as of a decoder that crashes; and a driver that
# is told so dies when it keeps its third part.
_KILLER = """
import os, signal, sys
parts = []
def see(event, arguments):
    if event == "open" and str(arguments[0]).endswith("killer.mp4") and "ray" in sys.modules:
        os.kill(os.getpid(), signal.SIGSEGV)
    if event == "os.rename" and str(arguments[1]).endswith(".npz") and "DIE_EARLY" in os.environ:
        parts.append(arguments[1])
        if len(parts) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(see)
"""
_WAIT_SECONDS = 240.0
_NUM_SHORT = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos: many short ones, one of some minutes, a broken one; and one that kills, elsewhere."""
    folder = tmp_path_factory.mktemp("archive")
    for number in range(_NUM_SHORT):
        write_flat_video(folder / "v" / f"{number:02}.mp4", value=20 + 12 * number, seconds=2.0)
    write_waves(folder / "v" / "long.mp4", steady())
    (folder / "v" / "broken.mp4").write_bytes(b"no video")
    (folder / "more").mkdir()
    (folder / "more" / "killer.mp4").hardlink_to(folder / "v" / "00.mp4")
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(_KILLER)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    spec = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8, threshold=0.6)
    return write_tiny_model(folder / "m.onnx", spec)


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[Any]:
    """Two nodes with a core each, whose processes die of the file that kills."""
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(folder / "site"), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
        # Otherwise Ray takes 127.0.0.1 for a mistake; another test may have imported it before.
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        ray = import_ray("a test")
        patch.setattr(ray._private.ray_constants, "ENABLE_RAY_CLUSTER", False)
        from ray.cluster_utils import Cluster

        node = {
            "num_cpus": 1,
            "object_store_memory": 80_000_000,
            "include_dashboard": False,
            "node_ip_address": "127.0.0.1",
        }
        cluster = Cluster(initialize_head=True, head_node_args=node)
        cluster.add_node(**node)
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def expected(folder: Path, model: Path) -> dict[str, Any]:
    """The rows of one process that judges one video after the other."""
    loaded = ActionModel(model, device="cpu", num_threads=1)
    rows = {}
    for path in sorted((folder / "v").iterdir()):
        options = PredictOptions((path,))
        rows[path.name] = judge(loaded, path, options).to_dict(top=3)
        del rows[path.name]["video"]
    return rows


def rows_in(output: Path) -> dict[str, Any]:
    """Rows by the names of videos, each of which must be there once."""
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    names = [Path(row["video"]).name for row in rows]
    assert len(names) == len(set(names))
    return {Path(row.pop("video")).name: row for row in rows if row.pop("model")}


def check(output: Path, expected: dict[str, Any]) -> None:
    """All rows are those of one process, but that of the file that kills, if it is there."""
    rows = rows_in(output)
    killer = rows.pop("killer.mp4", None)
    assert killer is None or "the process that read it ended" in killer["problem"]
    assert rows == expected
    assert len(rows["long.mp4"]["events"]) > 10


def when(happens: Callable[[], bool], act: Callable[[], object]) -> threading.Thread:
    """Act once something has happened."""

    def wait() -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not happens():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def num_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def command(model: Path, folder: Path, output: Path, cluster: Any) -> list[str]:
    words = ["predict", model, folder / "v", "-o", output, "--ray", cluster.address]
    return [*map(str, words), "--piece-seconds", "20", "--device", "cpu"]


def test_a_driver_that_was_killed_goes_on(
    folder: Path, model: Path, cluster: Any, expected: dict[str, Any], here: Here
) -> None:
    """Also with the parts of a long video that were finished; then nothing is left to do."""
    output = folder / "killed.jsonl"
    words = command(model, folder, output, cluster)
    parts = folder / "killed.jsonl.parts"
    killed = subprocess.run(
        [sys.executable, "-m", "rtaction", *words],
        env=os.environ | {"DIE_EARLY": "1"},
        capture_output=True,
        text=True,
        timeout=_WAIT_SECONDS,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(parts.glob("[!.]*.npz"))) == 2
    before = num_lines(output)
    assert before == len(expected) - 1  # all but the long one
    code, _, errors = here(*words)
    assert code == 0, errors
    check(output, expected)
    assert f"{before} had been before" in errors
    assert "broken.mp4" not in errors  # it was told before
    assert not parts.exists()
    code, _, errors = here(*words)
    assert code == 0, errors
    assert "0 videos judged" in errors


def test_a_node_that_is_killed_loses_and_doubles_nothing(
    folder: Path, model: Path, cluster: Any, expected: dict[str, Any], here: Here
) -> None:
    """Nor does a file that kills whoever reads it, which is told."""
    output = folder / "node.jsonl"
    (node,) = cluster.worker_nodes
    killing = when(
        lambda: num_lines(output) > 3,
        lambda: cluster.remove_node(node, allow_graceful=False),
    )
    code, _, errors = here(*command(model, folder, output, cluster), folder / "more")
    killing.join()
    assert code == 0, errors
    assert errors.count("killer.mp4: the process that read it ended") == 1
    check(output, expected)
