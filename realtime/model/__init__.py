"""An ONNX model on any processor."""
