"""Of a long video, bursts of frames are kept, so that stacks can be made of them."""

from __future__ import annotations

import numpy as np
import pytest

from rtaction.realtime.windows.kept_frames import KeptBursts
from rtaction.sampling import Stack, select_frames
from rtaction.video.prepared import PreparedFrame
from rtaction.whole_video import whole_targets

STACK = Stack(6, 0.08)
FRAME = PreparedFrame(np.zeros((1, 1, 3), np.uint8), None)


def _kept(num_frames: int, most_kept: int, frames_per_second: float = 30.0) -> KeptBursts:
    kept = KeptBursts(most_kept, STACK)
    for number in range(num_frames):
        kept.add(7.0 + number / frames_per_second, FRAME)
        assert len(kept.frames) == len(kept.times_seconds)
        assert len(kept.frames) <= most_kept
    return kept


def test_of_a_short_video_all_frames_are_kept() -> None:
    kept = _kept(300, 300)
    assert len(kept.frames) == 300
    times = 7.0 + np.arange(300) / 30
    expected = whole_targets(times, 48, sampling="segments", stack=STACK)
    np.testing.assert_allclose(kept.targets(48, "segments"), expected)


@pytest.mark.parametrize("num_frames", [1000, 5000, 20_011])
def test_of_a_long_video_each_stack_is_found_near_its_place(num_frames: int) -> None:
    kept = _kept(num_frames, 900)
    targets = kept.targets(48, "segments")
    assert select_frames(kept.times_seconds, targets).problem is None
    length = (num_frames - 1) / 30
    wanted = whole_targets([7.0, 7.0 + length], 48, sampling="segments", stack=STACK)
    assert np.abs(targets - wanted).max() < length / 8 / 4
    np.testing.assert_allclose(np.diff(targets.reshape(8, 6), axis=1), 0.08)
    # Different segments have different frames.
    assert len(np.unique(targets.round(6))) == 48
