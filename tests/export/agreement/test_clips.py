"""Clips to compare models on: made up, or read from files that may be anything."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtaction.cli.app import app
from rtaction.errors import UsageError
from rtaction.export.agreement.clips import clips_to_compare, make_clips, read_clips
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from tests.export.networks import SPEC, save, seeing
from tests.export.networks import layers as keras_layers
from tests.foreign_models import NAMES, torch_style


def test_made_up_clips_look_like_video() -> None:
    spec = ModelSpec(labels=("a", "b"), frames_per_clip=5, clip_seconds=1.0, height=64, width=80)
    clips = make_clips(spec, num_clips=6)
    assert clips.shape == (6, 5, 64, 80, 3)
    assert clips.dtype == np.uint8
    assert np.array_equal(clips, make_clips(spec, num_clips=6))
    values = clips.astype(float)
    # Neighbouring pixels agree far better than distant ones, as in a photograph and not in noise.
    near = np.corrcoef(values[..., 1:, 1].ravel(), values[..., :-1, 1].ravel())[0, 1]
    within = values - values.mean(axis=(2, 3), keepdims=True)
    far = np.corrcoef(within[..., 40:, 1].ravel(), within[..., :-40, 1].ravel())[0, 1]
    assert near > 0.8 > 0.3 > far
    # They move, and each is another one.
    assert (np.abs(np.diff(values, axis=1)).mean(axis=(1, 2, 3, 4)) > 1).all()
    assert np.ptp(values.mean(axis=(1, 2, 3, 4))) > 20


class _Trap:
    """What would leave a file behind if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def _npz(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def _npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def _zip_of(name: str, content: bytes) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(name, content)
    return whole.getvalue()


_NOISE = np.random.default_rng(0).integers(0, 256, (2, *SPEC.clip_shape), np.uint8)
_GOOD = _npz(clips=_NOISE)
_HEADER = _npy(np.zeros(0, np.uint8)).replace(b"(0,)", b"(9999999999999,)")
BAD = {
    "empty": (b"", "cannot read the clips"),
    "no zip": (b"\x89PNG\r\n\x1a\n" * 9, "cannot read the clips"),
    "pickled": (pickle.dumps([1, 2]), "cannot read the clips"),
    "truncated": (_GOOD[:-200], "cannot read the clips"),
    "damaged": (_GOOD[:300] + bytes(500) + _GOOD[800:], "cannot read the clips"),
    "cut off inside": (_zip_of("clips.npy", _npy(_NOISE)[:500]), "cannot read the clips"),
    "no header": (_zip_of("clips.npy", b""), "is not an array"),
    "claims too much": (_zip_of("clips.npy", _HEADER), "cannot read the clips"),
    "one array": (_npy(_NOISE), "is a single array"),
    "another array": (_npz(pictures=_NOISE), r"holds the arrays \['pictures'\]"),
    "no array": (_zip_of("notes.txt", b""), "holds the arrays"),
    "another shape": (_npz(clips=_NOISE[:, 1:]), "at least two uint8 clips of shape"),
    "another type": (_npz(clips=_NOISE.astype(np.float32)), "got float32"),
    "one clip": (_npz(clips=_NOISE[:1]), "at least two"),
    "a number": (_npz(clips=np.array(3, np.uint8)), "at least two"),
}


def test_clips_of_a_file_and_made_up_ones(tmp_path: Path) -> None:
    path = tmp_path / "clips.npz"
    path.write_bytes(_GOOD)
    clips, origin = clips_to_compare(path, SPEC)
    assert np.array_equal(clips, _NOISE)
    assert origin == str(path)
    clips, origin = clips_to_compare(None, SPEC, num_made_up=3)
    assert (clips.shape, origin) == ((3, *SPEC.clip_shape), "synthetic video")


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_end_in_one_line(kind: str, tmp_path: Path) -> None:
    content, message = BAD[kind]
    path = tmp_path / "clips.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        read_clips(path, SPEC)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the clips in .*No such file"):
        read_clips(tmp_path / "none.npz", SPEC)


@pytest.mark.parametrize("as_zip", [True, False])
def test_objects_are_never_unpickled(as_zip: bool, tmp_path: Path) -> None:
    trap = np.array([_Trap(tmp_path / "sprung")], dtype=object)
    path = tmp_path / "clips.npz"
    path.write_bytes(_npz(clips=trap) if as_zip else pickle.dumps(trap))
    with pytest.raises(UsageError, match="cannot read the clips"):
        read_clips(path, SPEC)
    assert not (tmp_path / "sprung").exists()
    pickle.loads(pickle.dumps(trap))  # it is a trap
    assert (tmp_path / "sprung").exists()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Arguments of an export of a Keras model, and of one of an ONNX file."""
    folder = tmp_path_factory.mktemp("models")
    clip = keras.Input(SPEC.clip_shape, dtype="uint8")
    x = keras_layers.TimeDistributed(seeing(SPEC.frame_shape))(
        keras_layers.Rescaling(1 / 255)(clip)
    )
    scores = keras_layers.Dense(3, activation="softmax")(keras_layers.GRU(3)(x))
    path = save(keras.Model(clip, scores), SPEC, folder)
    theirs = torch_style(folder / "theirs.onnx")
    told = ["--labels", ",".join(NAMES), "--clip-seconds", "1", "--scale", "0..1"]
    return {"keras": [str(path)], "onnx": [str(theirs), *told]}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("model", ["keras", "onnx"])
def test_an_export_with_bad_clips_is_refused(
    model: str, kind: str, models: dict[str, list[str]], tmp_path: Path
) -> None:
    path, output = tmp_path / "clips.npz", tmp_path / "model.onnx"
    path.write_bytes(BAD[kind][0])
    arguments = ["export", *models[model], "-o", str(output), "--clips", str(path)]
    run = CliRunner().invoke(app, arguments)
    assert isinstance(run.exception, UsageError)
    assert "\n" not in str(run.exception)
    assert not output.exists()
