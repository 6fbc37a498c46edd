"""What `rtaction.watch` was given: names of sources, or frames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rtaction.errors import UsageError

Place: TypeAlias = str | int | Path
"""A webcam's number, or the path or address of a source."""
Image: TypeAlias = npt.NDArray[np.uint8]
"""uint8 RGB, shape (height, width, 3)."""
TimedImage: TypeAlias = tuple[float, Image]
"""A time in seconds, and the frame that was taken then."""


def places_or_frames(
    given: Place | Mapping[str, Place] | Iterable[Place | Image | TimedImage], *, has_rate: bool
) -> list[str] | dict[str, str] | Iterator[tuple[Image, float | None]]:
    """Sources, by their names if these were given, or an iterator of frames, each with its time or
    None.

    Args:
        given: by a person.
        has_rate: whether the number of frames a second was given as well.

    Raises:
        UsageError: neither, or frames that were all there at once, without times.
    """
    if isinstance(given, str | int | os.PathLike):
        return _places([given], has_rate)
    if isinstance(given, Mapping):
        return _named_places(given, has_rate)
    if not isinstance(given, Iterable):
        raise UsageError(f"expected a source or frames to watch, got {type(given).__name__}")
    if isinstance(given, np.ndarray) and given.ndim != 4:
        raise UsageError(
            "expected frames as an array of shape (frames, height, width, 3), or an iterable of "
            f"arrays of shape (height, width, 3); got shape {given.shape}"
        )
    items = iter(given)
    first: Any = next(items, None)
    if first is None or isinstance(first, str | int | os.PathLike):
        return _places([] if first is None else [first, *items], has_rate)
    # A live loop cannot be told from a stored one by its items, but a list is not live.
    if not has_rate and not isinstance(first, tuple | list) and isinstance(given, Sized):
        raise UsageError(
            f"{len(given)} frames without times: expected frames_per_second=25, say, or pairs "
            "(time_seconds, frame)"
        )
    return map(_timed, chain([first], items))


def _places(places: list[Any], has_rate: bool) -> list[str]:
    if has_rate:
        raise UsageError("frames_per_second is for frames given as arrays; sources have their own")
    strange = [one for one in places if not isinstance(one, str | int | os.PathLike)]
    if strange:
        raise UsageError(
            f"expected only names of sources or only frames, got {type(strange[0]).__name__} "
            f"after {places[0]!r}"
        )
    return [os.fspath(one) if isinstance(one, os.PathLike) else str(one) for one in places]


def _named_places(given: Mapping[Any, Any], has_rate: bool) -> dict[str, str]:
    for name in given:
        if not isinstance(name, str) or not name.strip():
            raise UsageError(f"expected names of sources such as {{'door': 0}}, got {name!r}")
    return dict(zip(given, _places(list(given.values()), has_rate), strict=True))


def _timed(item: Any) -> tuple[Image, float | None]:
    if not isinstance(item, tuple | list):
        return item, None  # `Recognizer.push` checks it
    if len(item) != 2 or isinstance(item[0], np.ndarray):
        raise UsageError(
            f"expected pairs (time_seconds, frame), got {len(item)} values, the first of them a "
            f"{type(item[0]).__name__}"
            if item
            else "expected pairs (time_seconds, frame), got an empty one"
        )
    at_seconds, image = item
    try:
        return image, float(at_seconds)
    except (TypeError, ValueError):
        raise UsageError(
            f"expected pairs (time_seconds, frame), got {at_seconds!r} as the time"
        ) from None
