"""ONNX files of others, run to see what they compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from rtaction.errors import ExportError
from rtaction.onnx_format.errors import LOADING_ERRORS

Run = Callable[[npt.NDArray[Any]], list[npt.NDArray[Any]]]

_FATAL_ONLY = 4


def runner(
    content: bytes, *, outputs: Sequence[str] | None = None, where: str = "the model"
) -> Run:
    """A model of one input, ready to run on the CPU.

    Args:
        content: an ONNX file's bytes.
        outputs: names of what to give. Default: all.
        where: what to call it in an error.

    Returns:
        From the input to the outputs; it raises ExportError where onnxruntime fails.

    Raises:
        ExportError: onnxruntime cannot load it.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    onnxruntime.set_default_logger_severity(_FATAL_ONLY)
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except LOADING_ERRORS as error:
        raise ExportError(f"onnxruntime cannot load {where}: {_words_of(error)}") from None
    name = session.get_inputs()[0].name
    names = None if outputs is None else list(outputs)

    def run(values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        try:
            return [np.asarray(result) for result in session.run(names, {name: values})]
        except LOADING_ERRORS as error:
            raise ExportError(f"onnxruntime cannot run {where}: {_words_of(error)}") from None

    return run


def _words_of(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.rsplit("Status Message: ", 1)[-1]
