"""`rtaction export` on the command line: options to arguments, mistakes to sentences."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtaction.cli.app import app
from rtaction.errors import RtactionError
from rtaction.export.agreement.clips import make_clips
from rtaction.keras_tensorflow import keras
from rtaction.onnx_format.file import OnnxFile
from tests.export.networks import SPEC, layers, save, seeing, sensitive


def _export(*arguments: object) -> tuple[int, str]:
    run = CliRunner().invoke(app, ["export", *map(str, arguments)])
    error = run.exception
    code = error.exit_code if isinstance(error, RtactionError) else run.exit_code
    return code, run.stdout + (str(error) if isinstance(error, RtactionError) else "")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of Keras 3 without a contract."""
    keras.utils.set_random_seed(0)
    clip = keras.Input(SPEC.clip_shape)
    x = layers.GRU(4)(layers.TimeDistributed(seeing(SPEC.frame_shape))(clip))
    network = keras.Model(clip, layers.Dense(3, activation="softmax")(x))
    clips = make_clips(SPEC).astype(np.float32) / 255
    return save(sensitive(network, clips), None, tmp_path_factory.mktemp("cli"))


def test_all_options(model: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("wave\nclap\nnothing\n")
    output = tmp_path / "out" / "model.onnx"
    options = [
        *("-o", output, "--labels", tmp_path / "labels.txt", "--clip-seconds", 2.5),
        *("--scale", "0..1", "--modality", "rgb", "--resize", "letterbox"),
        *("--background-label", "nothing", "--threshold", 0.8, "--tolerance", 1e-5),
    ]
    code, text = _export(model, *options)
    assert code == 0, text
    assert text.startswith(f"wrote {output}: ")
    assert "matches Keras on 16 clips (synthetic video): scores differ by at most" in text
    spec = OnnxFile.load(output).spec
    assert spec.labels == ("wave", "clap", "nothing")
    assert (spec.clip_seconds, spec.resize, spec.threshold) == (2.5, "letterbox", 0.8)
    assert spec.background_label == "nothing"
    assert spec.pixel_scaling == "inside the model: 0 to 1"


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        ([], 5, "--labels a,b,c (for its 3 scores, in order); --clip-seconds"),
        (["--labels", "a,b,c", "--clip-seconds", 1], 5, "--scale 0..1|-1..1|0..255"),
        (["--size", "112"], 2, "--size must be HEIGHTxWIDTH"),
        (["--layout", "nfchw"], 2, "--layout is for ONNX files"),
        (["--spec", "none.json"], 5, "cannot read the contract none.json"),
        (["--resize", "stretch"], 2, ""),
    ],
)
def test_mistakes(
    options: list[object], exit_code: int, message: str, model: Path, tmp_path: Path
) -> None:
    code, text = _export(model, "-o", tmp_path / "model.onnx", *options)
    assert code == exit_code
    assert message in text
    assert not (tmp_path / "model.onnx").exists()


def test_a_lambda_is_refused_with_the_way_out(tmp_path: Path) -> None:
    clip = keras.Input(SPEC.clip_shape)
    scores = layers.Dense(3)(layers.Flatten()(layers.Lambda(lambda x: x)(clip)))
    keras.Model(clip, scores).save(tmp_path / "model.keras")
    code, text = _export(tmp_path / "model.keras", "-o", tmp_path / "model.onnx")
    assert code == 18
    assert "(Lambda) needs Python code stored in the file" in text
    assert "--trust" in text


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(model: Path, tmp_path: Path) -> None:
    options = ["--labels", "a,b,c", "--clip-seconds", "1", "--scale", "imagenet"]
    here, there = tmp_path / "here.onnx", tmp_path / "there.onnx"
    assert _export(model, "-o", here, *options)[0] == 0
    command = [sys.executable, "-m", "rtaction", "export", str(model), "-o", str(there), *options]
    subprocess.run(command, check=True, capture_output=True)
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (here, there)}
    assert len(hashes) == 1


def test_what_has_its_contract_is_not_adopted_again(model: Path, tmp_path: Path) -> None:
    ours = tmp_path / "ours.onnx"
    told = ["--labels", "a,b,c", "--clip-seconds", 1, "--scale", "0..1"]
    assert _export(model, "-o", ours, *told)[0] == 0
    code, text = _export(ours, "-o", tmp_path / "again.onnx")
    assert code == 2
    assert "already has a contract" in text
    code, text = _export(ours, "-o", tmp_path / "again.onnx", "--trust")
    assert code == 2
    assert "--spec and --trust are for Keras models" in text
    assert not (tmp_path / "again.onnx").exists()
