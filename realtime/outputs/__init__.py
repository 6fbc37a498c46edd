"""Display windows, annotated video, JSON lines and event clips."""
