from __future__ import annotations

import numpy as np
import pytest

from rtaction.features.statistics import clip_statistics, statistics_importance


def test_statistics_are_those_of_the_head() -> None:
    features = np.random.default_rng(0).normal(size=(3, 4, 30)).astype(np.float32)
    rows = clip_statistics(features)
    change = np.abs(features[:, 1:] - features[:, :-1]).mean(axis=1)
    expected = np.concatenate([features.mean(axis=1), features.max(axis=1), change], axis=1)
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    assert clip_statistics(features[:, :1]).shape == (3, 2 * 30)


@pytest.mark.parametrize(
    ("frames_per_clip", "expected"), [(4, [3 / 8, 3 / 8, 18 / 8]), (1, [1, 1])]
)
def test_change_counts_six_times(frames_per_clip: int, expected: list[float]) -> None:
    importance = statistics_importance(frames_per_clip, 30)
    assert importance[::30] == pytest.approx(expected)
    assert importance.shape == (30 * len(expected),)
