"""Windows, annotated video, JSON lines and event clips."""
