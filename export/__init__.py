"""Keras to one ONNX file that carries its own contract."""
