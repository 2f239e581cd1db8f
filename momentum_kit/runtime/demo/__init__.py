"""`momentum-kit demo`: the whole product on one screen."""

from momentum_kit.runtime.demo.demo import Demo, run_demo
from momentum_kit.runtime.demo.progress import demo_progress

__all__ = ["Demo", "demo_progress", "run_demo"]
