"""Scripts that make what `models/` holds."""
