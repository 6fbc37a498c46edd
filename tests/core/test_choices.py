"""A file's values are of the types that the settings have; nothing is made of another type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from rtaction.choices import Option, require_kind
from rtaction.errors import UsageError


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (bool, True),
        (int, 3),
        (float, 3),
        (float, 0.5),
        (str, ""),
        (Literal["a", "b"], "b"),
        (tuple[str, ...], ["x", "y"]),
        (tuple[str, ...], []),
        (float | None, None),
        (float | None, 1.5),
        (Annotated[int, Option("How long.")], 7),
    ],
)
def test_what_fits_is_taken_and_not_because_anything_is(hint: Any, value: Any) -> None:
    require_kind("x", hint, value)
    with pytest.raises(UsageError, match=r"^x: expected "):
        require_kind("x", hint, {"value": value})


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (bool, 1, "x: expected true or false, got 1"),
        (bool, "yes", 'x: expected true or false, got "yes"'),
        (int, True, "x: expected a whole number, got true"),
        (int, 2.0, "x: expected a whole number, got 2.0"),
        (float, "0.5", 'x: expected a number, got "0.5"'),
        (float, float("inf"), "x: expected a number, got Infinity"),
        (str, None, "x: expected text in quotes, got null"),
        (Literal["a", "b"], "c", 'x: expected one of a, b, got "c"'),
        (tuple[str, ...], "xy", 'x: expected a list of texts, got "xy"'),
        (list[float], [1, True], "x: expected a list of numbers, got [1, true]"),
        (int | None, "", 'x: expected a whole number, got ""'),
        (Annotated[str, Option("Where.")], {"a": 1}, 'x: expected text in quotes, got {"a": 1}'),
    ],
)
def test_what_does_not_is_told_with_what_was_expected(hint: Any, value: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        require_kind("x", hint, value)
    assert str(error.value) == message
