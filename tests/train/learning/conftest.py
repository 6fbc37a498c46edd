"""What the tests of trainings share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.train.tiny_encoder import smaller_encoders


@pytest.fixture(autouse=True, scope="module")
def _smaller_encoders() -> Iterator[None]:
    with smaller_encoders():
        yield
