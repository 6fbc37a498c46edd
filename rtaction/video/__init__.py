"""Video files read and written by time, and frames prepared for a network."""
