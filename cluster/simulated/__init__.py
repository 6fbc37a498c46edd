"""A fleet of a thousand cameras on made-up machines, to see what it does when they fail."""
