from __future__ import annotations

import pytest

from rtaction.source_frames import source_frames


@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("rgb", [[0], [1]]),
        ("rgb+flow", [[0, 1], [1, 2]]),
        ("rgb+flow_stack", [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]),
    ],
)
def test_frames_of_the_source_that_a_picture_is_made_of(
    modality: str, expected: list[list[int]]
) -> None:
    assert source_frames(modality, 2).tolist() == expected
