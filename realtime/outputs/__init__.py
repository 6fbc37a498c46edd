"""What a person or a program gets: picture, video, JSON lines, clips."""
