"""Exceptions of onnxruntime, which have no common base class."""

from __future__ import annotations

from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

LOADING_ERRORS = (
    ort_state.EPFail,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    UnicodeDecodeError,
)
"""Raised for a bad file. The last one occurs when onnxruntime quotes bytes of the file."""

RUNNING_ERRORS = (ort_state.EPFail, ort_state.Fail, ort_state.RuntimeException)
"""Raised when an execution provider fails during inference, as opposed to a wrong input."""
