"""Lets the tests of this folder import their in-memory broker and wiring, which are modules beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
