"""Third-party ONNX files: read, cut and given a contract."""
