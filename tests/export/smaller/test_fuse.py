from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from rtaction.choices import Resize
from rtaction.errors import ModelSpecError, UsageError
from rtaction.export.smaller.fuse import contract_of_camera_file, fuse_preprocessing
from rtaction.model_spec import METADATA_KEY
from rtaction.onnx_format.file import CAMERA_KEY, OnnxFile
from rtaction.opencv import cv2
from rtaction.video.pixels import prepare_image
from tests.export.smaller_models import SPEC, conv_model


def pictures(size_hw: tuple[int, int]) -> np.ndarray:
    """Two clips of smooth pictures: uint8, shape (2, F, *size_hw, 3)."""
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (2, SPEC.frames_per_clip, *size_hw, 3), np.uint8)
    smooth = [cv2.GaussianBlur(one, (0, 0), 2) for one in noise.reshape(-1, *size_hw, 3)]
    contrast = [(one.astype(float) - 127) * 4 + 127 for one in smooth]
    return np.stack(contrast).clip(0, 255).astype(np.uint8).reshape(noise.shape)


def run(content: bytes, values: dict[str, Any], outputs: list[str] | None = None) -> Any:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(outputs, values)[0]


@pytest.mark.parametrize("resize", ["squash", "crop", "letterbox"])
@pytest.mark.parametrize("base", ["rgb", "gray"])
@pytest.mark.parametrize(
    ("size_hw", "most_changed"),
    [((96, 128), 0.02), ((67, 45), 0.16), ((20, 100), 0.16), ((32, 40), 0.01), ((16, 20), 0.16)],
)
def test_pictures_are_fitted_as_opencv_does(
    resize: Resize, base: str, size_hw: tuple[int, int], most_changed: float
) -> None:
    plain = conv_model(modality=base, resize=resize)
    cameras = pictures(size_hw)
    clips = np.stack(
        [
            [prepare_image(one, (32, 40), base=base, resize=resize) for one in clip]  # type: ignore[arg-type]
            for clip in cameras
        ]
    )
    whole = fuse_preprocessing(plain)
    frames = run(_fitting(whole), {"camera": cameras}).reshape(clips.shape).astype(int)
    differences = np.abs(frames - clips)
    assert differences.max() <= 1
    assert (differences > 0).mean() <= most_changed
    truth = run(plain, {"clip": clips})
    assert np.abs(run(whole, {"camera": cameras}) - truth).max() < 0.02
    fixed = run(fuse_preprocessing(plain, size_hw=size_hw), {"camera": cameras})
    assert np.abs(fixed - run(whole, {"camera": cameras})).max() < 1e-5


def _fitting(content: bytes) -> bytes:
    """The part that fits pictures, as a model of its own."""
    return OnnxFile(content).cut(["camera"], ["frames"])


def test_file_says_what_it_takes() -> None:
    fused = OnnxFile(fuse_preprocessing(conv_model(), size_hw=(480, 640)))
    assert fused.inputs == ["camera: uint8 (batch, 4, 480, 640, 3)"]
    assert fused.outputs == ["scores: float32 (batch, 3)"]
    assert fused.metadata[CAMERA_KEY] == "480x640"
    assert fused.metadata[METADATA_KEY] == SPEC.to_json()
    assert contract_of_camera_file(fused.content) == SPEC
    free = OnnxFile(fuse_preprocessing(conv_model()))
    assert free.inputs == ["camera: uint8 (batch, 4, height, width, 3)"]
    assert free.metadata[CAMERA_KEY] == "any"


def test_own_runtime_refuses_it_clearly() -> None:
    with pytest.raises(ModelSpecError, match="takes raw camera frames"):
        _ = OnnxFile(fuse_preprocessing(conv_model())).spec


def test_twice_and_motion_are_refused() -> None:
    with pytest.raises(ModelSpecError, match="takes raw camera frames"):
        fuse_preprocessing(fuse_preprocessing(conv_model()))
    with pytest.raises(UsageError, match=r"sees motion \(rgb\+diff\)"):
        fuse_preprocessing(conv_model(modality="rgb+diff"))
    assert replace(SPEC, modality="rgb+diff").shows_motion
