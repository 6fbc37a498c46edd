from __future__ import annotations

import numpy as np
import pytest

from rtaction.errors import UsageError
from rtaction.export.contract.scales import SCALES, scale_named


@pytest.mark.parametrize(
    ("name", "pixel", "expected"),
    [
        ("0..1", [0, 51, 255], [0.0, 0.2, 1.0]),
        ("-1..1", [0, 51, 255], [-1.0, -0.6, 1.0]),
        ("0..255", [0, 51, 255], [0.0, 51.0, 255.0]),
        ("imagenet", [0, 51, 255], [-2.1179, -1.1429, 2.64]),
        ("caffe", [0, 51, 255], [255 - 103.939, 51 - 116.779, 0 - 123.68]),
        ("kinetics", [0, 51, 255], [-1.8952, -0.8791, 2.8736]),
    ],
)
def test_values(name: str, pixel: list[int], expected: list[float]) -> None:
    scale = scale_named(name, channels=3)
    turned = pixel[::-1] if scale.is_bgr else pixel

    scaled = (np.array(turned) - scale.mean) / scale.std

    assert scaled == pytest.approx(expected, abs=1e-4)
    assert scale.is_identity == (name == "0..255")


@pytest.mark.parametrize("name", ["imagenet", "caffe", "kinetics"])
def test_scales_of_colours_need_colours(name: str) -> None:
    with pytest.raises(UsageError, match=r"is for frames of 3 channels, got 1; choose 0\.\.1"):
        scale_named(name, channels=1)


def test_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="got '0-1'"):
        scale_named("0-1", channels=3)
    assert all(scale.words for scale in SCALES.values())
