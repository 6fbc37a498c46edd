"""The loop that turns sources into predictions."""
