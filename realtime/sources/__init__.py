"""Where frames come from: cameras, files, streams, screens. Knows nothing of models."""
