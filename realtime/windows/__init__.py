"""From frames to the windows that a network sees."""
