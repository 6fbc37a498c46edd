"""What the frozen part of a network made of clips, computed once."""
