"""What the API answers, a module for each group of endpoints, and the files of the page."""
