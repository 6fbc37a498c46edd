"""Which videos show what: folders, patterns, annotation files and corrections."""
