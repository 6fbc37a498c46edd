"""`rtaction serve`: watch cameras for months, and show, keep and pass on what they see."""
