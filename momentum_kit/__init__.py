"""News-driven momentum trading at Interactive Brokers, from research to live.

Where to begin:

- A session in a notebook: `momentum_kit.Kit`, awaitable or plain, attaches to the engine of an account or starts it.
- A session that has ended, or many: `momentum_kit.Run` and `momentum_kit.Runs`, by their folders.
- Their trades, looked back at: `momentum_kit.Review`.
- A study, step by step: `momentum_kit.Study`, from an archive to a verdict and to thresholds.
- What the rules ask and what they limit: `momentum_kit.models.Features`, `momentum_kit.config.Thresholds`, and how one
  meets the other in `momentum_kit.detection.live.rules`.
- Every setting with its unit: `momentum_kit.config.Config`; every failure with its exit status: `momentum_kit.errors`.
- The broker without the rest: `momentum_kit.bridge.IBKRBridge`; a broker to test against:
  `momentum_kit.simgateway.SimulatedGateway`.
"""

import sys
from typing import TYPE_CHECKING, Any

from momentum_kit.lazy_faces import lazy_names
from momentum_kit.moved_modules import MovedModules

if TYPE_CHECKING:
    from momentum_kit.config import Config, load_config
    from momentum_kit.notebook.kit import Kit
    from momentum_kit.notebook.record import Run, Runs
    from momentum_kit.notebook.review import Review
    from momentum_kit.notebook.tuner import Study

    __version__: str

__all__ = ["Config", "Kit", "Review", "Run", "Runs", "Study", "load_config"]

_HOMES = {
    "Config": "momentum_kit.config",
    "Kit": "momentum_kit.notebook.kit",
    "Review": "momentum_kit.notebook.review",
    "Run": "momentum_kit.notebook.record",
    "Runs": "momentum_kit.notebook.record",
    "Study": "momentum_kit.notebook.tuner",
    "load_config": "momentum_kit.config",
}

_late = lazy_names(__name__, _HOMES)

if MovedModules not in sys.meta_path:
    sys.meta_path.append(MovedModules)


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562): `import momentum_kit` stays fast."""
    if name == "__version__":
        from importlib.metadata import version

        return version("momentum-kit")
    return _late(name)


def __dir__() -> list[str]:
    return sorted(__all__)
