from __future__ import annotations

import socket

import pytest

from rtaction.cluster.connection import connected
from rtaction.errors import UsageError


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(UsageError, match=rf"no Ray answers at '{address}' .*ray start --head"),
            connected(address),
        ):
            pass
