"""Trained models into one ONNX file that carries its own contract."""
