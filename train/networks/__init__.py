"""Encoders of single frames, and heads over time."""
