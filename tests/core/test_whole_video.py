"""The moments that stand for a whole video."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rtaction.sampling import Stack, select_frames
from rtaction.whole_video import segment_targets, whole_targets

STACK = Stack(3, 0.1)


def test_spread_covers_the_whole_video() -> None:
    assert select_frames(np.arange(9) / 3, whole_targets(np.arange(9) / 3, 5)).indices.tolist() == [
        0,
        2,
        4,
        6,
        8,
    ]


def test_spread_over_too_few_frames_is_told() -> None:
    assert select_frames([0.0, 0.1], whole_targets([0.0, 0.1], 5)).problem == "duplicates"


def test_the_middles_of_segments_stand_for_the_whole_video() -> None:
    times = [2.0, 3.0, 6.5, 10.0]
    np.testing.assert_allclose(segment_targets(times, 4), [3.0, 5.0, 7.0, 9.0])
    assert np.array_equal(segment_targets(times, 4), whole_targets(times, 4, sampling="segments"))
    # A stack has its middle there.
    stacks = segment_targets(times, 12, stack=STACK).reshape(4, 3)
    np.testing.assert_allclose(stacks[:, 1], [3.0, 5.0, 7.0, 9.0])


@given(
    seed=st.integers(0, 1000),
    num_segments=st.integers(1, 25),
    length_tenths=st.integers(3, 300),
    is_stacked=st.booleans(),
)
def test_drawn_moments_cover_the_whole_video_segment_by_segment(
    seed: int, num_segments: int, length_tenths: int, is_stacked: bool
) -> None:
    length = length_tenths / 10
    stack = STACK if is_stacked else None
    count = num_segments * (3 if is_stacked else 1)
    random = np.random.default_rng(seed)
    drawn = segment_targets([1.0, 1.0 + length], count, stack=stack, random=random)
    assert drawn.min() >= 1.0 - 1e-9
    assert drawn.max() <= 1.0 + length + 1e-9
    middles = drawn.reshape(num_segments, -1)[:, (3 if is_stacked else 1) // 2]
    edges = 1.0 + np.linspace(0, length, num_segments + 1)
    # At the ends of a short video, a stack that would reach beyond it is moved inwards.
    slack = 0.1 + 1e-9 if is_stacked else 1e-9
    assert np.all(middles >= edges[:-1] - slack)
    assert np.all(middles <= edges[1:] + slack)
    again = segment_targets([1.0, 1.0 + length], count, stack=stack, random=random)
    if length / num_segments > 0.25:
        assert not np.allclose(drawn, again)


def test_a_stack_fits_into_its_segment_if_that_is_long_enough() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        stacks = segment_targets([0.0, 4.0], 12, stack=STACK, random=random).reshape(4, 3)
        assert np.all(stacks[:, 0] >= np.arange(4) - 1e-9)
        assert np.all(stacks[:, -1] <= np.arange(4) + 1 + 1e-9)


def test_stacks_may_be_spread_over_a_video_as_well() -> None:
    targets = whole_targets([0.0, 4.2], 9, sampling="spread", stack=STACK)
    np.testing.assert_allclose(targets, [0.0, 0.1, 0.2, 2.0, 2.1, 2.2, 4.0, 4.1, 4.2])


def test_a_video_that_is_shorter_than_a_stack_is_told() -> None:
    times = [0.0, 0.05, 0.1]
    targets = whole_targets(times, 3, sampling="segments", stack=STACK)
    assert select_frames(times, targets).problem is not None
