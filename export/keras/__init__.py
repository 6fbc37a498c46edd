"""Keras models, read without running their code, cut and converted."""
