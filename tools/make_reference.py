"""Generate the command-line reference, docs/cli.md, from the commands.

python -m tools.make_reference
"""

from __future__ import annotations

import re
from pathlib import Path

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from rtaction.cli.app import app

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"


def reference() -> str:
    """The reference as Markdown."""
    command = get_command(app)
    context = typer.Context(command, info_name="rtaction")
    text = get_docs_for_click(obj=command, ctx=context, name="rtaction", title="Command line")
    for name, one in command.commands.items():  # type: ignore[attr-defined]
        summary = (one.help or "").split("\n")[0]
        text = re.sub(rf"(?m)^\* `{name}`: .*$", f"* `{name}`: {summary}", text)
    note = "Generated from the commands by `make docs`.\n\n"
    return (
        re.sub(r"(?<=\n)\n(?=## |\n)", "\n", text.replace("\n\n", f"\n\n{note}", 1)).strip() + "\n"
    )


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
