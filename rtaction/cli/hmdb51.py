"""`rtaction hmdb51`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.cli.terminal import is_quiet, say


def hmdb51(
    folder: Annotated[
        Path, typer.Argument(help="Folder for the clips, one folder for each action.")
    ],
    classes: Annotated[
        str, typer.Option(help="Actions, separated by commas, such as golf,kick_ball,dribble.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            envvar="RTACTION_HMDB51",
            help="Archive: a file or the URL of a mirror. Default: the publisher's.",
        ),
    ] = None,
) -> None:
    """Download HMDB51 (2 GB, CC BY 4.0) and unpack some of its 51 actions."""
    from rtaction.train.hmdb.hmdb51 import ARCHIVE_URL, fetch_hmdb51, group_pattern

    shown = -1

    def show(there: int, total: int | None) -> None:
        nonlocal shown
        percent = there * 100 // total if total else there // 10_000_000
        if percent > shown and not is_quiet():
            shown = percent
            whole = f" of {total / 1e6:.0f}" if total else ""
            typer.echo(f"\rfetched {there / 1e6:.0f}{whole} MB", err=True, nl=there == total)

    chosen = [name.strip() for name in classes.split(",") if name.strip()]
    counts = fetch_hmdb51(folder, chosen, source=source or ARCHIVE_URL, on_bytes=show)
    for name, count in counts.items():
        say(f"{folder / name}: {count} clips")
    say(f"the archive is kept in {folder / '.hmdb51'} and may be deleted", err=True)
    say(f"keep clips of one film together with --group '{group_pattern(chosen)}'")
