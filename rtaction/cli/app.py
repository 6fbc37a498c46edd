"""The command line: parse arguments, call the library, print text.

Every command imports what it needs when it runs, which keeps `rtaction --help` fast.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

import rtaction
from rtaction.cli.bench import bench
from rtaction.cli.cam import cam
from rtaction.cli.demo import demo
from rtaction.cli.eval import evaluate
from rtaction.cli.export import export
from rtaction.cli.fleet import fleet
from rtaction.cli.hmdb51 import hmdb51
from rtaction.cli.inspect import inspect
from rtaction.cli.label import label
from rtaction.cli.predict import predict
from rtaction.cli.ray_address import Command
from rtaction.cli.render import render
from rtaction.cli.serve import serve
from rtaction.cli.show import show
from rtaction.cli.teach import record, teach
from rtaction.cli.terminal import (
    Commands,
    QuietOption,
    VerboseOption,
    say_error,
    set_loudness,
    start_logging,
    with_loudness,
)
from rtaction.cli.train import train
from rtaction.cli.verify import verify
from rtaction.errors import RtactionError, training_stack_needed
from rtaction.output_file import raise_if_no_room

app = typer.Typer(
    name="rtaction",
    cls=Commands,
    help="Recognise actions in live video. Train on your own videos, export, run anywhere.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def main() -> None:
    """Entry point; an error of rtaction prints one line, never a traceback."""
    start_logging()
    try:
        try:
            with training_stack_needed():
                app()
        except Exception as error:
            raise_if_no_room(error)
            raise
    except RtactionError as error:
        say_error(str(error))
        _leave(error.exit_code)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        _leave(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
        raise


def _leave(exit_code: int) -> None:
    """Exit immediately if an orderly exit would hang or crash.

    Python would wait for a camera thread that hangs in the network; and TensorFlow's threads, when
    interrupted in the middle of a step, abort the process at exit, or wait for workers that are
    gone.
    """
    feed = sys.modules.get("rtaction.realtime.watching.feed")
    hangs = feed is not None and feed.has_hanging_threads()
    stops = exit_code == INTERRUPTED or "TF_CONFIG" in os.environ
    if hangs or (stops and "tensorflow" in sys.modules):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):  # the reader may be gone
                    stream.flush()
        os._exit(exit_code)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rtaction {rtaction.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show version."),
    ] = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    set_loudness(verbose=verbose, quiet=quiet)


for _command in (
    cam,
    demo,
    teach,
    record,
    label,
    hmdb51,
    train,
    render,
    show,
    evaluate,
    predict,
    serve,
    fleet,
    export,
    verify,
    inspect,
    bench,
):
    app.command("eval" if _command is evaluate else None, cls=Command)(with_loudness(_command))
