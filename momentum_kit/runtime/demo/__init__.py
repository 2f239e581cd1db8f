"""`momentum-kit demo`: the whole product on one screen."""

from momentum_kit.runtime.demo.demo import Demo, demo_progress, run_demo

__all__ = ["Demo", "demo_progress", "run_demo"]
