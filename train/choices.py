"""The names that settings of a training may have; what they stand for is in the rooms they name."""

from __future__ import annotations

from typing import Final, Literal

NetworkName = Literal[
    "light",
    "small",
    "convnet",
    "two_stream",
    "dtpp",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "lite0",
    "lite0_body",
]
DTPP: Final = "dtpp"
"""The network of two streams that are joined only in their scores."""
StreamEncoderName = Literal[
    "light",
    "small",
    "convnet",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "lite0",
    "lite0_body",
]
HeadName = Literal[
    "gru", "lstm", "bigru", "bilstm", "average", "max", "statistics", "pyramid", "max_pyramid"
]
Pooling = Literal["average", "max"]
Solver = Literal["steps", "ridge"]
Schedule = Literal["plateau", "cosine"]
PrecisionName = Literal["float32", "mixed_float16"]
Precision = Literal["auto", "float32", "mixed_float16"]
Devices = Literal["auto", "one"]
Balance = Literal["none", "weights", "sampling"]
Strength = Literal["none", "light", "strong"]

DEFAULT_LIMIT_GB = 20.0
"""Size of the cache of decoded videos."""
