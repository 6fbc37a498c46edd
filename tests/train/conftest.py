"""What all tests of training share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rtaction.keras_tensorflow import tensorflow


@pytest.fixture(autouse=True, scope="package")
def _untraced() -> Iterator[None]:
    """Run networks step by step: to trace the graph of one takes far longer than a few clips."""
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)
