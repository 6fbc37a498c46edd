from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtaction.errors import ParityError
from rtaction.export.agreement.parity import Parity, make_clips, require_parity
from rtaction.model_spec import ModelSpec

GOOD = Parity(
    num_clips=8,
    max_difference=1e-6,
    max_difference_one_by_one=1e-6,
    max_difference_cut=1e-6,
    spread=0.5,
    top_1_agreement=1.0,
)


def test_good_figures_pass() -> None:
    require_parity(GOOD)
    assert GOOD.worst_difference == 1e-6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_difference": 2e-4}, "differ by up to 0.0002"),
        ({"max_difference_one_by_one": 2e-4}, "differ by up to 0.0002"),
        ({"max_difference_cut": 2e-4}, "differ by up to 0.0002"),
        ({"max_difference": float("nan")}, "does not compute"),
        ({"max_difference_one_by_one": float("nan")}, "does not compute"),
        ({"max_difference_cut": float("nan")}, "does not compute"),
        ({"spread": 0.001}, "would prove nothing"),
        ({"spread": float("nan")}, "would prove nothing"),
    ],
)
def test_bad_figures_do_not(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ParityError, match=message):
        require_parity(replace(GOOD, **changes))  # type: ignore[arg-type]


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
