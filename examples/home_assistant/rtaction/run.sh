#!/bin/sh
# What the container runs: the options of the add-on become a cameras.toml, then rtaction serves.
set -eu
exec python3 "$(dirname "$0")/start.py"
