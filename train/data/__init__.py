"""Batches of clips, from videos."""
