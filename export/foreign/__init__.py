"""ONNX files from elsewhere, adopted."""
