"""Live recognition: sources, windows, models, events and outputs."""
