"""What only a GPU can show, measured in one run: `make bench-gpu`."""
