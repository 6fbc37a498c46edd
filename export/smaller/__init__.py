"""Quantized and half-precision models, and files for other runtimes."""
