"""The bundled models and sample clip."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

ENCODER_MODEL = _HERE / "lite0.onnx"
"""An ImageNet network that turns a frame into 320 features; see its card, ENCODER.md."""

ACTIONS_MODEL = _HERE / "people.onnx"
"""The default: recognises what each person does, from their joints; see its card, PEOPLE.md."""

STARTER_MODEL = _HERE / "starter.onnx"
"""A tiny model that recognises a few gestures in whole pictures; see its card, STARTER.md."""

SAMPLE_CLIP = _HERE / "sample.webm"
"""A drawn person who performs gestures one after another."""

POSE_MODEL = _HERE / "movenet_lightning.onnx"
"""A network that reads the joints of one person closely; see its card, POSE.md."""

PEOPLE_MODEL = _HERE / "movenet_multipose.onnx"
"""A network that finds up to six people in a whole picture; see its card, POSE.md."""
