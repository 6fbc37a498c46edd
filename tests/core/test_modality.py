from __future__ import annotations

import pytest

from rtaction.modality import (
    CHANNELS,
    base_of,
    channels_of,
    compares_pixels,
    fields_of,
    parts_of,
    shows_motion,
)


@pytest.mark.parametrize(
    ("modality", "channels", "base", "motion"),
    [
        ("rgb", 3, "rgb", False),
        ("gray", 1, "gray", False),
        ("diff", 1, "gray", True),
        ("abs_diff", 1, "gray", True),
        ("rgb_diff", 3, "rgb", True),
        ("flow", 2, "gray", True),
        ("diff_mask", 3, "rgb", True),
        ("flow_mask", 3, "rgb", True),
        ("rgb+diff", 4, "rgb", True),
        ("gray+diff", 2, "gray", True),
        ("gray+flow+abs_diff", 4, "gray", True),
        ("rgb+gray", 4, "rgb", False),
        ("flow_stack", 10, "gray", True),
        ("rgb+flow_stack", 13, "rgb", True),
        ("flow_closeup", 2, "gray", True),
        ("rgb_diff+flow+flow_closeup", 7, "rgb", True),
    ],
)
def test_what_a_modality_is(modality: str, channels: int, base: str, motion: bool) -> None:
    assert channels_of(modality) == channels
    assert base_of(modality) == base
    assert shows_motion(modality) is motion


@pytest.mark.parametrize(
    ("modality", "num_fields", "needs_pixels"),
    [
        ("rgb", 0, False),
        ("diff", 0, True),
        ("flow_mask", 0, True),
        ("flow", 1, False),
        ("rgb+flow", 1, False),
        ("flow+flow_mask", 1, True),
        ("rgb+flow_stack", 5, False),
        ("flow_closeup", 0, False),
        ("flow_closeup+diff", 0, True),
    ],
)
def test_what_a_frame_needs_of_those_before_it(
    modality: str, num_fields: int, needs_pixels: bool
) -> None:
    assert fields_of(modality) == num_fields
    assert compares_pixels(modality) is needs_pixels


def test_parts_keep_their_order() -> None:
    assert parts_of("flow+rgb") == ("flow", "rgb")


@pytest.mark.parametrize("modality", ["", "depth", "rgb+", "rgb+rgb", "RGB", "rgb, diff"])
def test_others_are_refused_with_the_choice(modality: str) -> None:
    with pytest.raises(ValueError, match="modality must be one of rgb, gray, diff") as caught:
        parts_of(modality)
    assert all(name in str(caught.value) for name in CHANNELS)


@pytest.mark.parametrize("modality", ["flow_stack+flow", "rgb+diff+flow_stack", "pose+flow_stack"])
def test_a_stack_stands_beside_no_other_motion(modality: str) -> None:
    with pytest.raises(ValueError, match="goes with rgb and gray only"):
        parts_of(modality)
