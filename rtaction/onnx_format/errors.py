"""What onnxruntime raises: its exceptions have no common base of their own."""

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
"""What a file may cause. The last is that of a text in which onnxruntime quotes a file's bytes."""

RUNNING_ERRORS = (ort_state.EPFail, ort_state.Fail, ort_state.RuntimeException)
"""What a processor may raise in the middle of its work, unlike a wrong input."""
