"""Read and write video files by time, and prepare frames for a network."""
