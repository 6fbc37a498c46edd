"""`--ray [ADDRESS]`: an option whose value may be left out."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

OPTION = "--ray"
_LEFT_OUT = "local"
_ADDRESS = re.compile(r"auto|local|(ray://)?(\[[0-9a-fA-F:]+\]|[\w.-]+):\d+")


class Command(TyperCommand):
    """A command of which `--ray` may stand without an address: what follows it is its value only
    if it looks like one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the command's name."""
        return super().parse_args(ctx, with_address(args))


def with_address(words: list[str]) -> list[str]:
    """The words of a command line, with the address of `--ray` where it was left out."""
    given: list[str] = []
    for number, word in enumerate(words):
        if word == "--":
            return given + words[number:]
        given.append(word)
        follows = words[number + 1] if number + 1 < len(words) else ""
        if word == OPTION and not _ADDRESS.fullmatch(follows):
            given.append(_LEFT_OUT)
    return given
