"""`python -m rtaction`."""

from rtaction.cli.app import main

if __name__ == "__main__":
    main()
