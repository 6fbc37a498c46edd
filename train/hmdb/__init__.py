"""Downloads and unpacks the public HMDB51 clips."""
