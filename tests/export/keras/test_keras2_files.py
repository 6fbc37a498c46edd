"""Files of Keras 2, with what Keras 2 itself said of the same clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtaction.export.agreement.onnx_run import scores_of_onnx
from rtaction.export.exporter import export_model
from rtaction.export.keras.loading import load_keras_model
from rtaction.export.options import ContractOptions
from rtaction.onnx_format.file import OnnxFile

DATA = Path(__file__).parent / "data"
CLIPS = np.load(DATA / "clips.npz")["clips"]
NAMES = sorted(path.stem for path in DATA.glob("*.h5"))
SCALES_ITSELF = {"stacked_bidirectional", "old_lstm"}


def test_the_files_are_small_and_all_there() -> None:
    assert len(NAMES) == 5
    assert all((DATA / f"{name}.h5").stat().st_size < 100_000 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_keras_3_says_what_keras_2_said(name: str) -> None:
    expected = np.load(DATA / f"{name}.npy")
    assert np.ptp(expected, axis=0).max() > 0.1
    model = load_keras_model(DATA / f"{name}.h5")
    pixels = CLIPS.astype(np.float32) / (1.0 if name in SCALES_ITSELF else 255.0)
    np.testing.assert_allclose(model.predict_on_batch(pixels), expected, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_exported_it_says_the_same(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "clips.npz", clips=CLIPS)
    found = export_model(
        DATA / f"{name}.h5",
        tmp_path / "model.onnx",
        clips_path=tmp_path / "clips.npz",
        options=ContractOptions(
            labels=("a", "b", "c"),
            clip_seconds=1.0,
            scale=None if name in SCALES_ITSELF else "0..1",
        ),
    )
    file = OnnxFile.load(found.path)
    assert file.is_cut
    assert "Loop" not in file.op_counts()
    scores = scores_of_onnx(file)(CLIPS)
    np.testing.assert_allclose(scores, np.load(DATA / f"{name}.npy"), atol=2e-5)
