"""The index of events, and what is removed when it is old or the disk is full."""
