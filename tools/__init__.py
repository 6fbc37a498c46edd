"""Scripts that build the files in `models/` and the command-line reference."""
