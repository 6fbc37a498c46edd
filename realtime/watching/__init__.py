"""The loop from sources to predictions."""
