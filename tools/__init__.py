"""Scripts that make the files in `models/`."""
