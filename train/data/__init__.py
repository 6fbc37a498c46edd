"""Videos into batches of clips."""
