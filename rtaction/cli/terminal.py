"""What the command line prints: results on stdout, everything else on stderr.

How much it says is the level of the logger "rtaction": errors only (`--quiet`), notes and warnings
as well (the default), or also debug messages (`--verbose`). Where stderr is no terminal, log
messages and the news of a run begin with their time, in UTC, as ISO 8601.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rtaction.errors import UsageError
from rtaction.printable import printable_lines
from rtaction.redaction import scrub, secrets_of

_logger = logging.getLogger("rtaction")

VerboseOption = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Say on stderr what is done, and why, to find a fault."),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print errors only, and results on stdout.")
]


def say(text: str, *, err: bool = False) -> None:
    """Print a text, which may quote a file, a camera or a server.

    Args:
        text: one line or several.
        err: print it on stderr, unless `--quiet` was given. Default False.
    """
    if not (err and is_quiet()):
        typer.echo(printable_lines(text), err=err)


def say_news(text: str) -> None:
    """Print on stderr what has just happened in a run that goes on, unless `--quiet` was given."""
    say(_stamped(text), err=True)


def say_error(text: str) -> None:
    """Print an error on stderr, even with `--quiet`; without the password of any URL given."""
    typer.echo(printable_lines(f"error: {_without_secrets(text)}"), err=True)


class Commands(TyperGroup):
    """Commands whose usage errors repeat no password of a URL that was given by mistake."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            # Usage errors have it; their classes are private to typer.
            if isinstance(getattr(error, "message", None), str):
                error.message = _without_secrets(error.message)  # type: ignore[attr-defined]
            raise


def _without_secrets(text: str) -> str:
    secrets = {secret for word in sys.argv[1:] if "://" in word for secret in secrets_of(word)}
    return scrub(text, secrets)


def is_quiet() -> bool:
    """Whether only errors are printed on stderr."""
    return not _logger.isEnabledFor(logging.WARNING)


@contextmanager
def progress(what: str, number: int) -> Iterator[Callable[[], None]]:
    """A bar where a person watches stderr; gives what to call after each step."""
    if is_quiet() or not sys.stderr.isatty():
        yield lambda: None
        return
    with typer.progressbar(length=number, label=what, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


@contextmanager
def leaving_reader() -> Iterator[None]:
    """Allow the reader of our stdout to leave inside the block, as `head` does.

    Buffered output would fail again when Python exits, with exit code 120
    (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _stamped(text: str) -> str:
    if sys.stderr is None or sys.stderr.isatty():
        return text
    return f"{datetime.now(UTC).isoformat(timespec='milliseconds').replace('+00:00', 'Z')} {text}"


class _StampedFormatter(logging.Formatter):
    """Begins messages with the time, unless a person sees them come."""

    def format(self, record: logging.LogRecord) -> str:
        return _stamped(super().format(record))


class _CurrentStderr:
    """A proxy for the current `sys.stderr`, which progress bars replace."""

    def write(self, text: str) -> None:
        """Write to stderr."""
        sys.stderr.write(printable_lines(text))

    def flush(self) -> None:
        """Flush stderr."""
        sys.stderr.flush()


def start_logging() -> None:
    """Print log messages on stderr; how many, as at the beginning."""
    handler = logging.StreamHandler(_CurrentStderr())
    handler.setFormatter(_StampedFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.addLevelName(logging.WARNING, "warning")
    logging.addLevelName(logging.DEBUG, "debug")
    _logger.setLevel(logging.WARNING)


def loudness() -> int:
    """How much is said, for `begin_process`."""
    return _logger.level


def begin_process(level: int) -> None:
    """Say as much in another process as in this one, whose `loudness` is given."""
    start_logging()
    _logger.setLevel(level)


def set_loudness(*, verbose: bool, quiet: bool) -> None:
    """Do as `--verbose` and `--quiet` say; with neither, leave it as it is.

    Raises:
        UsageError: both.
    """
    if verbose and quiet:
        raise UsageError("--verbose and --quiet contradict each other; expected one of them")
    if verbose:
        _logger.setLevel(logging.DEBUG)
    elif quiet:
        _logger.setLevel(logging.ERROR)


def with_loudness(command: Callable[..., None]) -> Callable[..., None]:
    """A command that has the options `--verbose` and `--quiet` as well."""

    @wraps(command)
    def call(*args: Any, verbose: bool = False, quiet: bool = False, **values: Any) -> None:
        set_loudness(verbose=verbose, quiet=quiet)
        command(*args, **values)

    hints = {"verbose": VerboseOption, "quiet": QuietOption}
    signature = inspect.signature(command, eval_str=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter(name, keyword, default=False, annotation=hint)
        for name, hint in hints.items()
    ]
    call.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), *added]
    )
    call.__annotations__ = inspect.get_annotations(command, eval_str=True) | hints
    return call
