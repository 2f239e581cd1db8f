"""momentum_kit: news-driven momentum trading at Interactive Brokers, from research to live."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from momentum_kit.config import Config, load_config
    from momentum_kit.notebook.kit import Kit

__all__ = ["Config", "Kit", "load_config"]

_HOMES = {"Config": "momentum_kit.config", "Kit": "momentum_kit.notebook.kit", "load_config": "momentum_kit.config"}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562): `import momentum_kit` stays fast."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
