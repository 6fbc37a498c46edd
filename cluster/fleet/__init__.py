"""`rtaction fleet`: cameras spread over many machines, and moved when one goes."""
