"""No file runs code, reads another file or takes all memory, unless it is trusted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.errors import ModelUnreadable, ModelUnsafe
from rtaction.export.keras.loading import load_keras_model
from rtaction.keras_tensorflow import keras
from tests.export.hostile_files import HOSTILE, Bench
from tests.export.networks import SPEC, layers

# Loads every file of a folder in a process that may take 6 GB, and notes what Python is asked for.
_LOADER = """
import json, resource, sys
from pathlib import Path
from rtaction.errors import RtactionError
from rtaction.export.keras.loading import load_keras_model

folder, marks = Path(sys.argv[1]), json.loads(sys.argv[2])
names = json.loads(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
seen = []

def watch(event, args):
    if event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"):
        seen.append([event, str(args[0])[:80]])
    if event == "open" and str(args[0]) in marks:
        seen.append([event, str(args[0])])

sys.addaudithook(watch)
found = {}
for name in names:
    try:
        load_keras_model(folder / name)
        found[name] = [0, "it was loaded"]
    except RtactionError as error:
        found[name] = [error.exit_code, str(error)]
    except Exception as error:
        found[name] = [1, f"{type(error).__name__}: {error}"]
peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"found": found, "seen": seen, "peak_mb": peak_kb / 1000}))
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def outcome(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What loading each hostile file came to, in a process of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, write, _, _ in HOSTILE:
        write(bench, folder / name)
    bench.marker.unlink(missing_ok=True)
    names = [name for name, *_ in HOSTILE] + [str(bench.good), str(bench.good_h5)]
    marks = [str(bench.marker), str(bench.pipe), "/etc/passwd"]
    run = subprocess.run(
        [sys.executable, "-c", _LOADER, str(folder), json.dumps(marks), json.dumps(names)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("name", "exit_code", "message"), [(n, c, m) for n, _, c, m in HOSTILE])
def test_it_is_refused_in_a_sentence(
    name: str, exit_code: int, message: str, outcome: dict[str, Any]
) -> None:
    code, text = outcome["found"][name]
    assert (code, message in text) == (exit_code, True), text
    assert "\n" not in text
    assert len(text) < 500


def test_nothing_ran_and_nothing_else_was_read(bench: Bench, outcome: dict[str, Any]) -> None:
    assert outcome["seen"] == []
    assert not bench.marker.exists()
    assert outcome["peak_mb"] < 5000


def test_good_files_are_loaded_by_the_same_process(bench: Bench, outcome: dict[str, Any]) -> None:
    assert outcome["found"][str(bench.good)] == [0, "it was loaded"]
    assert outcome["found"][str(bench.good_h5)] == [0, "it was loaded"]


@pytest.mark.parametrize("name", ["lambda.keras", "lambda_within.keras", "lambda.h5"])
def test_a_trusted_lambda_runs(name: str, bench: Bench, tmp_path: Path) -> None:
    write = next(one for n, one, *_ in HOSTILE if n == name)
    write(bench, tmp_path / name)
    with pytest.raises(ModelUnsafe, match="--trust"):
        load_keras_model(tmp_path / name)
    assert not bench.marker.exists()
    model = load_keras_model(tmp_path / name, trust=True)
    model(np.zeros((1, *SPEC.clip_shape), np.float32))
    assert bench.marker.exists()
    bench.marker.unlink()


def test_a_trusted_layer_of_ones_own_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "from rtaction.keras_tensorflow import keras\n"
        "class Twice(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return x * 2.0\n"
    )
    (tmp_path / "own_layers_of_a_test.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    import own_layers_of_a_test as own  # type: ignore[import-not-found]

    clip = keras.Input(SPEC.clip_shape)
    network = keras.Model(clip, layers.Dense(3)(layers.Flatten()(own.Twice()(clip))))
    path = tmp_path / "own.keras"
    network.save(path)
    with pytest.raises(ModelUnsafe, match=r"'twice' \(Twice\) is not a Keras layer"):
        load_keras_model(path)
    values = np.ones((1, *SPEC.clip_shape), np.float32)
    found = load_keras_model(path, trust=True)
    np.testing.assert_allclose(found(values), network(values), rtol=1e-6)
    monkeypatch.delitem(sys.modules, "own_layers_of_a_test")
    (tmp_path / "own_layers_of_a_test.py").unlink()
    with pytest.raises(ModelUnreadable, match="put it on PYTHONPATH"):
        load_keras_model(path, trust=True)
