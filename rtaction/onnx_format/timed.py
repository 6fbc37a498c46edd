"""One run of a model that ends, whatever its loops do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any

import numpy.typing as npt
import onnxruntime

from rtaction.errors import ModelUnreadable


def run_within(
    session: onnxruntime.InferenceSession,
    outputs: Sequence[str] | None,
    values: Mapping[str, npt.NDArray[Any]],
    *,
    seconds: float,
    where: str,
) -> list[Any]:
    """Run a model once, for a limited time; Ctrl-C ends it, too.

    Args:
        session: the model.
        outputs: names of what to give; None for all.
        values: its inputs by name.
        seconds: the longest that it may take.
        where: what to call it in an error.

    Raises:
        ModelUnreadable: it took longer.
    """
    options = onnxruntime.RunOptions()
    options.log_severity_level = 4
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(session.run, outputs, dict(values), options)
        try:
            return list(running.result(seconds))
        except TooLate:
            raise ModelUnreadable(
                f"{where} did not finish within {seconds:g} s; is there a loop in it without an "
                "end?"
            ) from None
        finally:
            options.terminate = True
