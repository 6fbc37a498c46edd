"""Predictions as JSON lines, for other programs.

Each line is one object, `schema_version` 1:

    type             "prediction"
    source           name of the source
    start_seconds    first picture of the window, counted from the source's first frame
    end_seconds      last picture of the window, likewise
    label            the best label
    score            its score, 0 to 1
    shown            whether it reaches its threshold and is no background label
    top              the best labels: [{"label": ..., "score": ...}, ...]
    latency_seconds  from capture to label; for a file, the computing time
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TextIO

from rtaction.errors import OutputError
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.overlay import shown_label

SCHEMA_VERSION = 1


class PredictionLog:
    """Writes one line for each prediction, at once.

    Args:
        target: a file, or "-" for stdout. Missing folders are made.
        spec: thresholds and background label.
        top_k: how many labels `top` holds. Default 3.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, target: str, spec: ModelSpec, *, top_k: int = 3) -> None:
        self._spec = spec
        self._top_k = top_k
        self._target = target
        self._failed = False
        self._file: TextIO
        if target == "-" and sys.stdout is None:
            raise OutputError("cannot write --output -: stdout is closed; name a file instead")
        try:
            if target == "-":
                self._file = sys.stdout
            else:
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                self._file = open(target, "w", encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            raise self._error(error) from None

    def close(self) -> None:
        """Close the file; stdout stays open."""
        if self._file is sys.stdout:
            return
        try:
            self._file.close()
        except OSError as error:
            # What could not be written once was told then; closing only tries it again.
            if not self._failed:
                raise self._error(error) from None

    def write(self, prediction: Prediction) -> None:
        """Add a line.

        Args:
            prediction: what to write, its times counted from the source's first frame.

        Raises:
            BrokenPipeError: whoever read stdout has gone.
            OutputError: the file cannot be written.
        """
        line = {
            "type": "prediction",
            "schema_version": SCHEMA_VERSION,
            "source": prediction.source,
            "start_seconds": round(prediction.start_seconds, 6),
            "end_seconds": round(prediction.end_seconds, 6),
            "label": prediction.label,
            "score": round(prediction.score, 6),
            "shown": shown_label(prediction, self._spec) is not None,
            "top": [
                {"label": label, "score": round(score, 6)}
                for label, score in prediction.top(self._top_k)
            ],
            "latency_seconds": round(prediction.latency_seconds, 6),
        }
        try:
            self._file.write(json.dumps(line) + "\n")  # plain ASCII, for a console of any encoding
            self._file.flush()
        except BrokenPipeError:
            # What is still buffered would fail again when Python ends, with exit code 120
            # (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())
            os.close(nowhere)
            raise
        except OSError as error:
            self._failed = True
            raise self._error(error) from None

    def _error(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write --output {self._target}: {error}")
