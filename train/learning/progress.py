"""Console output during training."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from rtaction.keras_tensorflow import keras
from rtaction.printable import printable_lines
from rtaction.train.report.judged_clips import JudgedClips

_REDRAW_SECONDS = 0.2


class _NotebookProgress(Progress):
    """Is redrawn by whoever advances it.

    Rich's own thread would do it while another thread prints, and a notebook puts all that is
    printed in that moment into the bar, where the next redraw wipes it out.
    """

    _redrawn_at_seconds = 0.0

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change a task, and redraw if the last time is a while ago."""
        super().update(task_id, **changes)
        self._redraw()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Advance a task, and redraw if the last time is a while ago."""
        super().advance(task_id, advance)
        self._redraw()

    def _redraw(self) -> None:
        if not self.disable and time.monotonic() - self._redrawn_at_seconds >= _REDRAW_SECONDS:
            self.refresh()
            self._redrawn_at_seconds = time.monotonic()


def progress_bar(console: Console) -> Progress:
    """A progress bar with counts and times; hidden if the output cannot redraw it.

    A terminal can, and a notebook that has ipywidgets.
    """
    can_redraw = console.is_terminal or (console.is_jupyter and find_spec("ipywidgets"))
    kind = _NotebookProgress if console.is_jupyter else Progress
    return kind(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=console,
        transient=True,
        auto_refresh=not console.is_jupyter,
        disable=not can_redraw,
    )


class ShowProgress(keras.callbacks.Callback):  # type: ignore[misc]
    """A live bar for the batches of an epoch, and one line per finished epoch.

    Args:
        console: to print to.
        epochs: maximum number of epochs.
    """

    def __init__(self, console: Console, epochs: int) -> None:
        super().__init__()
        self._console = console
        self._epochs = epochs
        self._progress = progress_bar(console)
        self._task: TaskID | None = None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Show the bar."""
        self._progress.start()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Remove the bar."""
        self._progress.stop()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Restart the bar."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(
            f"epoch {epoch + 1}/{self._epochs}", total=self.params["steps"], figures=""
        )

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Advance the bar."""
        if self._task is not None:
            figures = _figures(logs or {}, ("loss", "accuracy"))
            self._progress.update(self._task, completed=batch + 1, figures=figures)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Print the epoch's metrics."""
        figures = _figures(logs or {}, ("loss", "accuracy", "val_loss", "val_accuracy"))
        self._console.print(f"epoch {epoch + 1}/{self._epochs}  {figures}", highlight=False)


class CleanConsole(Console):
    """A console that shows labels and paths without what a terminal would obey."""

    def render_str(self, text: str, **options: Any) -> Text:
        """A text as Rich draws it."""
        return super().render_str(printable_lines(text), **options)


def print_evaluation(console: Console, judged: JudgedClips, name: str) -> None:
    """Print a network's results on a set of clips, per label and overall."""
    for line in judged.lines(name):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _figures(logs: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return "  ".join(f"{name} {float(logs[name]):.3f}" for name in names if name in logs)
