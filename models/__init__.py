"""The bundled models and sample clip."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

STARTER_MODEL = _HERE / "starter.onnx"
"""A small model that recognises a few gestures; see its card, STARTER.md."""

ENCODER_MODEL = _HERE / "lite0.onnx"
"""An ImageNet network that turns a frame into 320 features; see its card, ENCODER.md."""

ACTIONS_MODEL = _HERE / "people.onnx"
"""A model that recognises what each person does, from their joints; see its card, PEOPLE.md."""

SAMPLE_CLIP = _HERE / "sample.webm"
"""A drawn person who performs those gestures one after another."""

POSE_MODEL = _HERE / "movenet_lightning.onnx"
"""A network that reads the joints of one person closely; see its card, POSE.md."""

PEOPLE_MODEL = _HERE / "movenet_multipose.onnx"
"""A network that finds up to six people in a whole picture; see its card, POSE.md."""
