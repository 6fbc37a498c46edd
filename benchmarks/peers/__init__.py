"""One new frame of the same clips, on the same threads: rtaction beside networks of others."""
