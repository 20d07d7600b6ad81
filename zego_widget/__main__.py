"""`python -m zego_widget` is `zego-widget`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
