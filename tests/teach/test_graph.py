"""The file that is put together: valid, safe to cut, and computing what numpy computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from rtaction.features.modality_choice import ALL_PARTS
from rtaction.features.statistics import clip_statistics
from rtaction.modality import channels_of, parts_of
from rtaction.model_spec import ModelSpec
from rtaction.models import ENCODER_MODEL
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.session import open_session
from rtaction.teach.graph import NUM_FEATURES, frame_encoder, taught_model
from rtaction.teach.take_features import PictureEncoder


def _spec(modality: str) -> ModelSpec:
    return ModelSpec(
        labels=("clap", "nothing", "wave"),
        frames_per_clip=4,
        clip_seconds=0.6,
        height=224,
        width=224,
        modality=modality,
        background_label="nothing",
    )


@pytest.mark.parametrize("modality", ["rgb+rgb_diff", "rgb_diff+abs_diff+flow"])
def test_cut_and_whole_give_what_numpy_gives(modality: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    spec, num_parts = _spec(modality), modality.count("+") + 1
    weights = random.normal(0, 0.02, (3 * num_parts * NUM_FEATURES, 3)).astype(np.float32)
    bias = np.array([0.1, 0.0, -0.1], np.float32)
    path = tmp_path / "model.onnx"
    path.write_bytes(taught_model(spec, weights, bias))
    onnx.checker.check_model(str(path), full_check=True)
    clips = random.integers(0, 256, (2, *spec.clip_shape), np.uint8)

    model = ActionModel(path, device="cpu")
    features = model.encode(clips.reshape(-1, *spec.frame_shape)).reshape(2, 4, -1)
    scores = model.score(features)

    logits = clip_statistics(features) @ weights + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert model.is_cut
    assert model.spec == spec
    assert scores == pytest.approx(expected, abs=1e-5)
    assert model.score_clips(clips) == pytest.approx(scores, abs=1e-5)
    assert scores.std() > 0.01


def test_the_encoders_weights_stand_in_the_file_once() -> None:
    sizes = {modality: len(frame_encoder(modality)) for modality in ("rgb", ALL_PARTS)}
    bundled = ENCODER_MODEL.stat().st_size
    assert abs(sizes["rgb"] - bundled) < 10_000
    assert abs(sizes[ALL_PARTS] - bundled) < 10_000


def test_features_of_a_part_do_not_depend_on_the_others() -> None:
    """So what is kept of all parts serves any choice of them."""
    pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 11), np.uint8)
    assert channels_of(ALL_PARTS) == 11
    encoder = PictureEncoder()

    features = encoder.encode(pictures).astype(np.float32)

    assert features.shape == (2, *encoder.features_shape)
    assert [parts_of(ALL_PARTS).index(part) for part in ("rgb_diff", "flow")] == [1, 4]
    session = open_session(frame_encoder("rgb_diff+flow"), "cpu", num_threads=1)
    chosen = np.ascontiguousarray(pictures[..., [3, 4, 5, 9, 10]])
    (made,) = session.run(None, {"frames": chosen})
    assert made.reshape(2, 2, -1) == pytest.approx(features[:, [1, 4]], rel=2e-3, abs=2e-2)


def test_one_colour_stands_for_three_and_flow_has_no_third() -> None:
    """A gray picture and the same as three equal channels give one result."""
    gray = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 1), np.uint8)
    flow = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 2), np.uint8)
    blank = np.full((1, 224, 224, 1), 127, np.uint8)
    made = {
        modality: open_session(frame_encoder(modality), "cpu", num_threads=1)
        for modality in ("abs_diff", "flow", "rgb")
    }

    def features(
        modality: str, pictures: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    ) -> object:
        return made[modality].run(None, {"frames": np.ascontiguousarray(pictures)})[0]

    assert features("abs_diff", gray) == pytest.approx(
        features("rgb", np.repeat(gray, 3, axis=3)), abs=1e-4
    )
    assert features("flow", flow) == pytest.approx(
        features("rgb", np.concatenate([flow, blank], axis=3)), abs=1e-4
    )
