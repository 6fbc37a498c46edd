"""An ONNX model loaded and run on CPU, GPU or another accelerator."""
