"""Reports of a training: text, plots and the HTML page."""
