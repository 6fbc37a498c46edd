"""ONNX files, vetted, read, cut and built; the one room through which `onnx` is reached."""
