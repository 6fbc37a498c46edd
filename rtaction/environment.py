"""Secrets from the environment: files and command lines name variables, and hold no secrets."""

from __future__ import annotations

import os
import re

from rtaction.errors import UsageError

# What looks otherwise may be the secret itself.
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}", re.ASCII)


def from_environment(variable: str, where: str, *, example: str, may_be_empty: bool = False) -> str:
    """The value of an environment variable that a person has named.

    Args:
        variable: its name. The most common mistake is to give the secret itself, so that it is
            repeated only if it looks like a name.
        where: what names it, for the error, such as the file, the table and the key.
        example: a name that would be expected.
        may_be_empty: whether an empty value is one. Default False.

    Raises:
        UsageError: it is not set.
    """
    value = os.environ.get(variable)
    if value is None or not (value or may_be_empty):
        named = f" {variable}" if _NAME.fullmatch(variable) else ""
        raise UsageError(
            f"{where}: the environment variable{named} is not set; expected the name of a variable "
            f"with the value, such as {example}"
        )
    return value
