"""Collect frames into the windows of a model."""
