"""Video files by time, clips of them, and how pictures become a network's."""
