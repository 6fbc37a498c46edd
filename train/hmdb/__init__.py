"""Download and unpack the public HMDB51 clips."""
