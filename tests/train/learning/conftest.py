"""What the tests of trainings share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rtaction.train.networks.encoders import ENCODERS
from tests.train.tiny_encoder import tiny_encoder


@pytest.fixture(autouse=True, scope="module")
def _tiny_instead_of_small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENCODERS, "small", tiny_encoder)
        yield
