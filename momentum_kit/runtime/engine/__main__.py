"""`python -m momentum_kit.runtime.engine ORDER`: the engine process, as start_engine starts it."""

import sys

from momentum_kit.runtime.engine.hosting import main

sys.exit(main(sys.argv[1]))
