"""Kit, the one object of a notebook: it starts or attaches to an engine, commands it, and shows its record."""

from momentum_kit.notebook.kit.kit import Kit

__all__ = ["Kit"]
