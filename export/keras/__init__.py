"""Keras models: loaded without running code stored in them, cut and converted."""
