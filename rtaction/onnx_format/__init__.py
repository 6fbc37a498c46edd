"""ONNX files, read, vetted, cut and written without a training stack."""
