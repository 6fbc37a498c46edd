"""Vet, read, cut and build ONNX files."""
