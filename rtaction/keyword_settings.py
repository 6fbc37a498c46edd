"""Settings, the fields of dataclasses with an `Option`, as keyword arguments of functions.

From Python a setting has the name of its field: it is checked as on the command line, and `help()`
shows it with what it does.
"""

from __future__ import annotations

import inspect
import os
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from rtaction.choices import Option, require_kind
from rtaction.errors import UsageError

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])
_LINE = 88


def checked_settings(
    kinds: Sequence[type], given: Mapping[str, Any], *, without: Collection[str] = ()
) -> dict[str, Any]:
    """Settings, if there are such, of the right type and in range.

    Args:
        kinds: the dataclasses.
        given: by name.
        without: fields that are no settings here.

    Raises:
        UsageError: one is none, has another type or is out of range.
    """
    known = _hints_of(kinds, without)
    return {name: _checked(name, value, known) for name, value in given.items()}


def made(kind: type[T], settings: Mapping[str, Any]) -> T:
    """A dataclass of those settings that are its own."""
    names = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in settings.items() if name in names})


def shows_settings(*kinds: type, without: Collection[str] = ()) -> Callable[[Function], Function]:
    """Show, in the signature and help of a function with `**settings`, which there are.

    Args:
        kinds: dataclasses whose fields they are.
        without: fields that are no settings here.
    """

    def decorate(function: Function) -> Function:
        hints = _hints_of(kinds, without)
        defaults = {one.name: one.default for kind in kinds for one in fields(kind)}
        shown: Any = function
        signature = inspect.signature(function)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        settings = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name])
            for name in hints
        ]
        shown.__signature__ = signature.replace(parameters=[*own, *settings])
        lines = [
            textwrap.fill(
                f"{name}: {option.help}", _LINE, initial_indent=4 * " ", subsequent_indent=8 * " "
            )
            for name, hint in hints.items()
            if (option := _option_of(hint)) is not None
        ]
        doc = inspect.cleandoc(function.__doc__ or "")
        shown.__doc__ = "\n".join([doc, "", "Settings:", *lines])
        return function

    return decorate


def _hints_of(kinds: Sequence[type], without: Collection[str]) -> dict[str, Any]:
    return {
        name: hint
        for kind in kinds
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if name not in without
    }


def _option_of(hint: Any) -> Option | None:
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((one for one in notes if isinstance(one, Option)), None)


def _checked(name: str, value: Any, known: Mapping[str, Any]) -> Any:
    if name not in known:
        near = get_close_matches(name, known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"they are {', '.join(sorted(known))}"
        raise UsageError(f"there is no setting {name!r}; {advice}")
    hint, option = known[name], _option_of(known[name])
    if option is not None and option.parse is not None and isinstance(value, str):
        return option.parse(value)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    require_kind(name, hint, value)
    if option is not None and isinstance(value, int | float):
        least, most = option.minimum, option.maximum
        if (least is not None and value < least) or (most is not None and value > most):
            limit = "" if most is None else f" and at most {most:g}"
            raise UsageError(f"{name} must be at least {least or 0:g}{limit}, got {value}")
    if isinstance(value, str) and _is_path(hint):
        return Path(value)
    return tuple(value) if isinstance(value, list) else value


def _is_path(hint: Any) -> bool:
    return hint is Path or any(_is_path(one) for one in get_args(hint))
