"""What a region contains, and what is none."""

from __future__ import annotations

import pytest

from rtaction.pose.region import Region


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("0.2,0.1,0.6,0.9", [(0.3, 0.2), (0.59, 0.89)], [(0.1, 0.5), (0.3, 0.05), (0.7, 0.5)]),
        ("0.5,0,1,1,0,1", [(0.5, 0.5), (0.1, 0.95)], [(0.1, 0.5), (0.9, 0.5), (0.5, 1.1)]),
        # An L: its inner corner is outside.
        ("0,0,.4,0,.4,.6,1,.6,1,1,0,1", [(0.2, 0.1), (0.9, 0.8)], [(0.7, 0.3), (0.45, 0.55)]),
    ],
    ids=["rectangle", "triangle", "hook"],
)
def test_what_lies_in_it(
    text: str, inside: list[tuple[float, float]], outside: list[tuple[float, float]]
) -> None:
    region = Region.parse(text)
    assert [region.contains(*place) for place in inside] == [True] * len(inside)
    assert [region.contains(*place) for place in outside] == [False] * len(outside)


def test_numbers_of_a_rectangle_are_left_top_right_bottom() -> None:
    assert Region.of([0.25, 0, 0.5, 1]).corners_xy == ((0.25, 0), (0.5, 0), (0.5, 1), (0.25, 1))


@pytest.mark.parametrize(
    ("text", "crosses"),
    [
        ("0.2,0.1,0.6,0.9", False),
        ("0,0,.4,0,.4,.6,1,.6,1,1,0,1", False),
        ("0,0,1,1,1,0.2,0,0.7", True),  # corners out of order
        (".5,0,.8,1,0,.4,1,.4,.2,1", True),  # a star drawn in one line
        ("0,0,.5,.5,1,0,1,1,.5,.5,0,1", False),  # its edges only touch
    ],
)
def test_whether_edges_cross(text: str, crosses: bool) -> None:
    assert Region.parse(text).crosses_itself is crosses


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("door", "'door'"),
        ("0,0,1", "3 numbers"),
        ("0,0,1,1,0.5", "5 numbers"),
        ("0.6,0,0.2,1", "0.6"),
        ("0,0,1,1.5", "1.5"),
        ("0,0,nan,1", "nan"),
        ("0,0,0.5,0.5,1,1", "without an area"),
    ],
)
def test_what_is_no_region(text: str, named: str) -> None:
    with pytest.raises(ValueError, match="left, top, right and bottom") as caught:
        Region.parse(text)
    assert named in str(caught.value)
