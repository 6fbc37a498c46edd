"""Where answers are written: rows of a table, or a file for each video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePath
from typing import Protocol

from rtaction.errors import OutputError, UsageError
from rtaction.output_file import whole_file
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import TABLES, PredictOptions
from rtaction.realtime.predicting.parquet import ParquetTable
from rtaction.realtime.predicting.subtitles import path_for, to_eaf, to_vtt
from rtaction.realtime.predicting.table import Table


class Writer(Protocol):
    """Takes the answers for videos."""

    def has(self, video: PurePath) -> bool:
        """Whether the output has a video already."""

    def open(self) -> AbstractContextManager[None]:
        """A block in which answers are written."""

    def write(self, answer: Answer) -> None:
        """Write the answer for a video."""


def writer_for(
    options: PredictOptions, identity: str, found: Sequence[tuple[PurePath, PurePath]]
) -> Writer:
    """The writer for a format.

    Args:
        options: format and place.
        identity: of the model and of the settings.
        found: the videos, and the folder that each was found from.

    Raises:
        UsageError: the output holds something else, would overwrite a video, or is the same for two
            videos.
        OutputError: it cannot be read.
    """
    return (_InTable if options.kind in TABLES else _InFolder)(options, identity, found)


class _InTable:
    """Answers in one file."""

    def __init__(
        self, options: PredictOptions, identity: str, found: Sequence[tuple[PurePath, PurePath]]
    ) -> None:
        output = options.output.resolve()
        if output in {video.resolve() for video, _ in found if isinstance(video, Path)}:
            raise UsageError(f"--output {options.output} would overwrite a video")
        kind = ParquetTable if options.kind == "parquet" else Table
        self._table = kind(options.output, options.kind, model=identity, top=options.top)

    def has(self, video: PurePath) -> bool:
        return str(video) in self._table.done

    def open(self) -> AbstractContextManager[None]:
        return self._table.open()

    def write(self, answer: Answer) -> None:
        self._table.write(answer)


class _InFolder:
    """Answers in a file for each video."""

    def __init__(
        self, options: PredictOptions, identity: str, found: Sequence[tuple[PurePath, PurePath]]
    ) -> None:
        self._identity = identity
        self._to_text = to_vtt if options.kind == "vtt" else to_eaf
        self._paths: dict[PurePath, Path] = {}
        owners: dict[Path, PurePath] = {}
        for video, root in found:
            path = path_for(video, root, options.output, f".{options.kind}")
            if path in owners:
                raise UsageError(
                    f"{owners[path]} and {video} would both be written to {path}; run them one "
                    "after the other, with other --output folders"
                )
            owners[path] = video
            self._paths[video] = path
        self._done = {video for video, path in self._paths.items() if self._is_done(path)}

    def has(self, video: PurePath) -> bool:
        return video in self._done

    @contextmanager
    def open(self) -> Iterator[None]:
        yield

    def write(self, answer: Answer) -> None:
        text = self._to_text(answer, model=self._identity)
        with whole_file(self._paths[answer.path]) as path:
            path.write_text(text, encoding="utf-8")

    def _is_done(self, path: Path) -> bool:
        try:
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
        except OSError as error:
            raise OutputError(f"cannot read {path}: {error.strerror}") from None
        if text is not None and self._identity not in text:
            raise UsageError(
                f"{path} is there, but not from this model with these settings; name another "
                "--output, or delete it"
            )
        return text is not None
