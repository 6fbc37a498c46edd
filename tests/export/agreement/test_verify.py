"""Two models on the same clips, and the command that does it on videos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rtaction.cli.app import app
from rtaction.errors import ModelSpecError, ParityError, RtactionError
from rtaction.export.agreement.clips import make_clips
from rtaction.export.agreement.verify import Row, require_same_contract, table_of, verify
from rtaction.export.exporter import export_model
from rtaction.export.options import ContractOptions
from rtaction.keras_tensorflow import keras
from rtaction.model_spec import ModelSpec
from tests.export.networks import SPEC as NETWORK_SPEC
from tests.export.networks import layers, save, seeing, sensitive
from tests.tiny_model import write_tiny_model
from tests.videos import write_video

SPEC = ModelSpec(labels=("a", "b"), frames_per_clip=2, clip_seconds=1.0, height=8, width=8)


def _first_pixel(clips: np.ndarray) -> np.ndarray:
    share = clips[:, 0, 0, 0, 0].astype(np.float32) / 255
    return np.stack([share, 1 - share], axis=1)


def _clips(*values: int) -> list[tuple[str, np.ndarray]]:
    return [(f"clip {v}", np.full(SPEC.clip_shape, v, np.uint8)) for v in values]


def test_equal_models() -> None:
    clips = _clips(*range(0, 250, 10))
    found, rows = verify(_first_pixel, _first_pixel, clips, SPEC.labels, tolerance=1e-4)
    assert found.num_clips == 25
    assert found.max_difference == 0.0
    assert found.top_1_agreement == 1.0
    assert rows == []
    assert found.spread == pytest.approx(240 / 255)
    assert found.to_text() == (
        "25 clips: scores differ by at most 0.0e+00, vary by 0.94, top-1 agrees on 100.0%"
    )


def test_models_that_differ_are_shown_clip_by_clip() -> None:
    def other(clips: np.ndarray) -> np.ndarray:
        scores = _first_pixel(clips)
        scores[scores[:, 0] > 0.45] += [[0.125, -0.125]]
        return scores

    clips = _clips(0, 50, 120, 250)
    found, rows = verify(_first_pixel, other, clips, SPEC.labels, tolerance=0.01)
    assert [row.name for row in rows] == ["clip 250", "clip 120"]
    assert found.top_1_agreement == 0.75
    assert table_of(rows).splitlines() == [
        "difference  labels",
        "   1.3e-01  a       clip 250",
        "   1.2e-01  b / a   clip 120",
    ]
    with pytest.raises(ParityError, match=r"by up to 0\.13 on 2 of 4 clips, 0\.01 is allowed"):
        found.require_same(tolerance=0.01, problem="the models differ")


def test_many_disagreements_are_cut_short() -> None:
    text = table_of([Row(f"clip {i}", "a", "b", 1.0) for i in range(50)])
    assert text.count("clip ") == 40
    assert "... and 10 more" in text


def test_what_cannot_be_told_is_shown() -> None:
    def broken(clips: np.ndarray) -> np.ndarray:
        return _first_pixel(clips) * np.float32("nan")

    found, rows = verify(_first_pixel, broken, _clips(0, 250), SPEC.labels, tolerance=1.0)
    assert len(rows) == 2
    with pytest.raises(ParityError, match="the models differ"):
        found.require_same(tolerance=1.0, problem="the models differ")


def test_other_contracts_are_not_compared() -> None:
    require_same_contract(SPEC, replace(SPEC, threshold=0.9))
    with pytest.raises(ModelSpecError, match=r"clip_seconds is 1.0 in the first and 2.0 in the"):
        require_same_contract(SPEC, replace(SPEC, clip_seconds=2.0))


def _verify(*arguments: object) -> tuple[int, str]:
    run = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    error = run.exception
    code = error.exit_code if isinstance(error, RtactionError) else run.exit_code
    return code, run.stdout + (str(error) if isinstance(error, RtactionError) else "")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two videos, ever brighter; and one that is too short."""
    folder = tmp_path / "videos"
    (folder / "deep").mkdir(parents=True)
    times = np.arange(40) / 10
    _write_gray_video(folder / "one.mkv", times, np.linspace(10, 120, 40))
    _write_gray_video(folder / "deep" / "two.mkv", times, np.linspace(240, 130, 40))
    _write_gray_video(folder / "short.mkv", times[:4], np.linspace(10, 20, 4))
    return folder


def _write_gray_video(path: Path, times: np.ndarray, values: np.ndarray) -> None:
    images = [np.full((8, 8, 3), value, np.uint8) for value in values]
    write_video(path, images, times, codec="ffv1", pixel_format="bgr0")


def test_two_onnx_files_on_videos(videos: Path, tmp_path: Path) -> None:
    spec = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)
    model = write_tiny_model(tmp_path / "a.onnx", spec)
    code, text = _verify(model, videos, "--against", model)
    assert code == 0
    assert text.startswith("8 clips: scores differ by at most 0.0e+00, vary by 0.8")
    code, text = _verify(model, videos / "one.mkv", "--against", model, "--max-clips", 2)
    assert (code, text[:8]) == (0, "2 clips:")


def test_an_onnx_file_that_differs_ends_with_the_code_of_parity(
    videos: Path, tmp_path: Path
) -> None:
    spec = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)
    model = write_tiny_model(tmp_path / "a.onnx", spec)
    other = tmp_path / "b.onnx"
    other.write_bytes(_with_white(model.read_bytes(), 200.0))
    code, text = _verify(model, videos, "--against", other)
    assert code == 14
    assert "difference  labels" in text
    assert "two.mkv at 0.00 s" in text
    code, _ = _verify(model, videos, "--against", other, "--tolerance", 0.5)
    assert code == 0


def test_a_keras_model_and_its_export_on_videos(videos: Path, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    spec = replace(NETWORK_SPEC, labels=("a", "b", "c"))
    clip = keras.Input(spec.clip_shape)
    x = layers.GRU(4)(layers.TimeDistributed(seeing(spec.frame_shape))(clip))
    network = keras.Model(clip, layers.Dense(3, activation="softmax")(x))
    path = save(sensitive(network, make_clips(spec).astype(np.float32) / 255), None, tmp_path)
    given = ContractOptions(labels=spec.labels, clip_seconds=1.0, scale="0..1")
    model = export_model(path, tmp_path / "model.onnx", options=given).path
    code, text = _verify(model, videos, "--against", path, "--scale", "0..1")
    assert code == 0, text
    assert text.startswith("8 clips: scores differ by at most ")
    code, text = _verify(model, videos, "--against", path)
    assert (code, "--scale" in text) == (5, True)
    code, text = _verify(model, videos, "--against", path, "--scale", "-1..1")
    assert code == 14


def test_a_keras_model_of_logits_is_compared_with_a_softmax(videos: Path, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    spec = replace(NETWORK_SPEC, labels=("a", "b", "c"))
    clip = keras.Input(spec.clip_shape)
    x = layers.GRU(4)(layers.TimeDistributed(seeing(spec.frame_shape))(clip))
    # Its last layer does not say whether a softmax is missing.
    network = keras.Model(clip, layers.Dense(3, activation="sigmoid")(x))
    path = save(sensitive(network, make_clips(spec).astype(np.float32) / 255), None, tmp_path)
    given = ContractOptions(labels=spec.labels, clip_seconds=1.0, scale="0..1", logits=True)
    model = export_model(path, tmp_path / "model.onnx", options=given).path
    options = (model, videos, "--against", path, "--scale", "0..1")
    assert _verify(*options, "--logits")[0] == 0
    assert _verify(*options, "--probabilities")[0] == 14


def test_mistakes_are_told(videos: Path, tmp_path: Path) -> None:
    spec = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)
    model = write_tiny_model(tmp_path / "a.onnx", spec)
    code, text = _verify(model, videos / "short.mkv", "--against", model)
    assert (code, "none of 1 videos has a clip of 1.00 s" in text) == (12, True)
    code, text = _verify(model, tmp_path / "none", "--against", model)
    assert (code, "there is no video file or folder" in text) == (12, True)
    code, text = _verify(model, videos, "--against", tmp_path / "none.keras")
    assert (code, "there is no Keras model" in text) == (3, True)


def _with_white(content: bytes, white: float) -> bytes:
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        if tensor.name == "white":
            tensor.CopyFrom(numpy_helper.from_array(np.array(white, np.float32), "white"))
    return model.SerializeToString()
