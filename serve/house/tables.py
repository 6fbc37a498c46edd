"""Tables of cameras.toml as settings, with errors that name the key and repeat no secret."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from rtaction.choices import require_kind
from rtaction.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)

_PASSWORD_KEY = re.compile(r"pass(word|wd)?|pwd|token|secret|url", re.IGNORECASE)
_MAY_HOLD_A_SECRET = re.compile(r"url$|_env$", re.IGNORECASE)


def read_table(kind: type[Settings], table: dict[str, Any], where: str) -> Settings:
    """Make settings of a table.

    Args:
        kind: a dataclass; each field is a key, and one without a default is required.
        table: from TOML.
        where: names the file and the table in errors.

    Raises:
        UsageError: a key is unknown or missing, or its value is of another type, or the dataclass
            raises `ValueError` for it. No value of a key that may hold a secret is repeated.
    """
    hints = get_type_hints(kind, include_extras=True)
    for key, value in table.items():
        if key not in hints:
            raise UsageError(f"{where}: {_unknown(key, hints)}")
        if _MAY_HOLD_A_SECRET.search(key) and not isinstance(value, str):
            raise UsageError(f"{where}: {key}: expected text in quotes")
        require_kind(f"{where}: {key}", hints[key], value)
    for one in fields(kind):
        is_required = one.default is MISSING and one.default_factory is MISSING
        if is_required and one.name not in table:
            raise UsageError(f"{where}: {one.name}: it is missing")
    given = {key: tuple(one) if isinstance(one, list) else one for key, one in table.items()}
    try:
        return kind(**given)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _unknown(key: str, hints: dict[str, Any]) -> str:
    instead = f"{key.lower()}_env"
    if _PASSWORD_KEY.fullmatch(key) and instead in hints:
        return (
            f"{key}: a secret must not be in this file; put it into an environment variable and "
            f'give its name: {instead} = "..."'
        )
    return f"unknown key {key!r}; expected one of {', '.join(hints)}"
