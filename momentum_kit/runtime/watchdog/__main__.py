"""`python -m momentum_kit.runtime.watchdog`: the watchdog's process, as an engine starts it."""

import sys

from momentum_kit.runtime.watchdog.watchdog import main

sys.exit(main())
