"""Keras models: loaded without running their code, cut and converted."""
