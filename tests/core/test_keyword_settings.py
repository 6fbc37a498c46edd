from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from rtaction.choices import Option
from rtaction.errors import UsageError
from rtaction.keyword_settings import checked_settings, made, shows_settings


@dataclass(frozen=True)
class Oven:
    degrees: Annotated[int, Option("How hot.", minimum=50, maximum=250)]
    kind: Annotated[Literal["bread", "cake"], Option("What is baked.")] = "bread"
    book: Annotated[Path | None, Option("Where it is written.")] = None
    guests: Annotated[
        tuple[str, ...], Option("Who comes.", parse=lambda text: tuple(text.split(",")))
    ] = ()


@dataclass(frozen=True)
class Table:
    chairs: Annotated[int, Option("Where they sit.", minimum=0)] = 4


@shows_settings(Oven, Table, without=("degrees",))
def bake(degrees: int, **settings: Any) -> Oven:
    """Bake."""
    checked = checked_settings([Oven, Table], settings, without=("degrees",))
    return made(Oven, {"degrees": degrees} | checked)


def test_settings_become_what_the_dataclass_takes() -> None:
    assert bake(180, book="a/b.txt", guests=["x", "y"], chairs=0) == Oven(
        180, book=Path("a/b.txt"), guests=("x", "y")
    )
    assert bake(180, book=Path("b.txt"), guests="x,y,z").guests == ("x", "y", "z")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"knd": "cake"}, "there is no setting 'knd'; did you mean kind?"),
        ({"colour": 1}, "there is no setting 'colour'; they are book, chairs, guests, kind"),
        ({"kind": "pie"}, 'kind: expected one of bread, cake, got "pie"'),
        ({"chairs": -1}, "chairs must be at least 0, got -1"),
        ({"chairs": 1.5}, "chairs: expected a whole number, got 1.5"),
    ],
)
def test_mistakes_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        bake(180, **settings)


def test_limits_hold_on_both_sides() -> None:
    for degrees in (49, 251):
        with pytest.raises(UsageError, match=f"at least 50 and at most 250, got {degrees}"):
            checked_settings([Oven], {"degrees": degrees})


def test_help_and_completion_show_them() -> None:
    signature = inspect.signature(bake)
    assert list(signature.parameters) == ["degrees", "kind", "book", "guests", "chairs"]
    assert signature.parameters["kind"].default == "bread"
    doc = (bake.__doc__ or "").splitlines()
    assert doc[0] == "Bake."
    assert "    kind: What is baked." in doc
    assert "    chairs: Where they sit." in doc
    assert not any("degrees" in line for line in doc)
