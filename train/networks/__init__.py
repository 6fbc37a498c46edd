"""A network of one frame, another over time."""
