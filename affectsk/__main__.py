"""``python -m affectsk`` is the command ``affectsk``."""

from affectsk.cli import main

if __name__ == "__main__":
    main()
