"""Frozen features of windows, a ridge regression on them, and the choice of a modality by it."""
