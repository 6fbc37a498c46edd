"""The names that settings of a training may have; what they stand for is in the rooms they name."""

from __future__ import annotations

from typing import Final, Literal, get_args

from rtaction.errors import UsageError
from rtaction.own_code import FORM

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
NETWORKS: tuple[str, ...] = get_args(NetworkName)
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


def network_named(name: str) -> str:
    """Check the name of a network: one of rtaction's, or `module:function` for one's own.

    Raises:
        UsageError: it is neither.
    """
    if name not in NETWORKS and not FORM.fullmatch(name):
        raise UsageError(
            f"--network must be one of {', '.join(NETWORKS)}, or module:function for a network of "
            f"your own, such as networks:build; got {name!r}"
        )
    return name


def is_own(network: str) -> bool:
    """Whether the name of a network stands for one's own, as `module:function`."""
    return ":" in network
