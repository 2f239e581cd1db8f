"""What the parity tests share: seeded archive days, and a project of its own for each test."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode knows no helpers beside a test
