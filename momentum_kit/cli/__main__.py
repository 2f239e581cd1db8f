"""`python -m momentum_kit.cli`, the same as the console script."""

import sys

from momentum_kit.cli import main

sys.exit(main())
