"""Amounts of bytes as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from rtaction.errors import UsageError
from rtaction.serve.store.amounts import bytes_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (123, 123),
        ("10 GB", 10_000_000_000),
        ("500MB", 500_000_000),
        (" 1.5 GiB ", 3 << 29),
        ("2 kb", 2000),
        ("3 TB", 3_000_000_000_000),
        ("7", 7),
    ],
)
def test_amounts(value: Any, expected: int) -> None:
    assert bytes_of(value, "here") == expected


@pytest.mark.parametrize("value", [-1, True, 1.5, "", "ten GB", "10 GBit", "-1 GB", "1e9", None])
def test_no_amounts(value: Any) -> None:
    with pytest.raises(UsageError, match=r'here: expected a number of bytes.* such as "10 GB"'):
        bytes_of(value, "here")
