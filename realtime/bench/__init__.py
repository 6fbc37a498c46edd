"""Measure the cost of a model on this machine."""
