"""`python -m tools.image`."""

import sys

from tools.image.cli import main

sys.exit(main(sys.argv[1:]))
