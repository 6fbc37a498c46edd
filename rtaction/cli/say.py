"""Where the command line prints."""

from __future__ import annotations

import typer

from rtaction.printable import printable_lines


def say(text: str, *, err: bool = False) -> None:
    """Print a text, which may quote a file, a camera or a server.

    Args:
        text: one line or several.
        err: print it on stderr. Default False.
    """
    typer.echo(printable_lines(text), err=err)
