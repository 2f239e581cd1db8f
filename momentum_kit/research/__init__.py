"""Studies on archives with the very functions that trade."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from momentum_kit.research.code_hash import code_version
    from momentum_kit.research.workspace import Workspace, require_archive, span

__all__ = ["Workspace", "code_version", "require_archive", "span"]

_HOMES = {
    "Workspace": "momentum_kit.research.workspace",
    "code_version": "momentum_kit.research.code_hash",
    "require_archive": "momentum_kit.research.workspace",
    "span": "momentum_kit.research.workspace",
}


def __getattr__(name: str) -> Any:
    """Import a name of this face when it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
