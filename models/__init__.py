"""The bundled models and clip."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

STARTER_MODEL = _HERE / "starter.onnx"
"""A small model that knows a few gestures; its card is STARTER.md beside it."""

ENCODER_MODEL = _HERE / "lite0.onnx"
"""A network that knows ImageNet, and makes 1280 features of a picture; its card is ENCODER.md."""

SAMPLE_CLIP = _HERE / "sample.webm"
"""A drawn person who does them one after another."""
