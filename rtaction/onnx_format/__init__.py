"""ONNX files read, checked, cut and written without the training stack."""
