"""`python -m rtaction`."""

from rtaction.cli import main

if __name__ == "__main__":
    main()
