"""How a package's face offers names whose modules load when first asked for (PEP 562): a command pays for what it uses.

A face lists the names once more below `if TYPE_CHECKING`, so that mypy and editors see what they are.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(face: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__`: face is its name, homes the module in which each of its late names is defined."""

    def load(name: str) -> Any:
        if name in homes:
            return getattr(importlib.import_module(homes[name]), name)
        raise AttributeError(f"module {face!r} has no attribute {name!r}")

    return load
