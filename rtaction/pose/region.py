"""Parts of a picture, in shares of it: people who stand there count, or are hidden.

This file knows nothing of people or pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

_EXPECTED = (
    "expected left, top, right and bottom as shares of the picture, from 0 to 1, such as "
    "0.2,0,0.8,1, or the x and y of three or more corners, such as 0.5,0,1,1,0,1"
)


@dataclass(frozen=True, slots=True)
class Region:
    """A polygon in a picture.

    Args:
        corners_xy: x and y of each of at least three corners, in order, as shares of the
            picture's width and height.

    Raises:
        ValueError: fewer than three corners, one outside of the picture, or no area.
    """

    corners_xy: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        numbers = [number for corner in self.corners_xy for number in corner]
        if not all(math.isfinite(number) and 0 <= number <= 1 for number in numbers):
            raise ValueError(f"{_EXPECTED}; got {numbers}")
        if len(self.corners_xy) < 3 or abs(self._area) < 1e-6:
            raise ValueError(f"{_EXPECTED}; got a region without an area: {numbers}")

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Region:
        """A region of its numbers.

        Args:
            numbers: left, top, right and bottom of a rectangle; or x and y of each corner.

        Raises:
            ValueError: they are no region.
        """
        try:
            numbers = [float(number) for number in numbers]
        except (TypeError, ValueError):
            raise ValueError(f"{_EXPECTED}; got {numbers!r}") from None
        if len(numbers) == 4:
            left, top, right, bottom = numbers
            if not (left < right and top < bottom):
                raise ValueError(f"{_EXPECTED}; got {numbers}")
            return cls(((left, top), (right, top), (right, bottom), (left, bottom)))
        if len(numbers) < 6 or len(numbers) % 2:
            raise ValueError(f"{_EXPECTED}; got {len(numbers)} numbers")
        return cls(tuple(zip(numbers[::2], numbers[1::2], strict=True)))

    @classmethod
    def parse(cls, text: str) -> Region:
        """A region of a text such as "0.2,0,0.8,1".

        Raises:
            ValueError: it is none.
        """
        try:
            numbers = [float(word) for word in text.split(",")]
        except ValueError:
            raise ValueError(f"{_EXPECTED}; got {text!r}") from None
        return cls.of(numbers)

    def contains(self, x: float, y: float) -> bool:
        """Whether a place, in shares of the picture, lies in the region."""
        is_inside = False
        for (x0, y0), (x1, y1) in pairwise((*self.corners_xy, self.corners_xy[0])):
            # Count the edges to the right of the place.
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                is_inside = not is_inside
        return is_inside

    @property
    def crosses_itself(self) -> bool:
        """Whether two of its edges cross; then it is not clear what lies inside."""
        corners = self.corners_xy
        edges = list(zip(corners, (*corners[1:], corners[0]), strict=True))
        return any(_cross(*one, *other) for one, other in combinations(edges, 2))

    @property
    def _area(self) -> float:
        corners = (*self.corners_xy, self.corners_xy[0])
        return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(corners)) / 2


@dataclass(frozen=True, slots=True)
class Zone:
    """A region with a name: events of those who stand there count.

    Args:
        name: not empty.
        region: where it is.
        labels: of the events that count there. Default None: all.
    """

    name: str
    region: Region
    labels: tuple[str, ...] | None = None


_Corner = tuple[float, float]


def _cross(a: _Corner, b: _Corner, c: _Corner, d: _Corner) -> bool:
    """Whether the line from a to b crosses that from c to d; to touch it is not enough."""

    def side(start: _Corner, end: _Corner, of: _Corner) -> float:
        return (end[0] - start[0]) * (of[1] - start[1]) - (end[1] - start[1]) * (of[0] - start[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
