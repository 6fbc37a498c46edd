"""Amounts of bytes as people write them."""

from __future__ import annotations

import re
from typing import Any

from rtaction.errors import UsageError

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
_UNITS: dict[str, int] = {"": 1, "b": 1} | {
    f"{letter}{kind}": base**power
    for power, letter in enumerate("kmgt", 1)
    for kind, base in (("b", 1000), ("ib", 1024))
}


def bytes_of(value: Any, where: str) -> int:
    """The bytes of a number, or of a text such as "10 GB", "500MB" or "1.5 GiB".

    Args:
        value: as it is in a file. kB, MB, GB and TB are powers of 1000, KiB and so on of 1024.
        where: names it, for errors.

    Raises:
        UsageError: it is no amount.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2].lower() not in _UNITS:
        came = repr(value) if isinstance(value, str) else type(value).__name__
        raise UsageError(
            f'{where}: expected a number of bytes, or a text such as "10 GB"; got {came}'
        )
    return round(float(match[1]) * _UNITS[match[2].lower()])
