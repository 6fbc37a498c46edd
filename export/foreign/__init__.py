"""ONNX files from elsewhere: read, cut and given a contract."""
