"""The symbol master as files: the list that comes along, the user's own, and how it is built and renewed."""

from momentum_kit.storage.symbols.masters import bundled_master, open_master
from momentum_kit.storage.symbols.renewal import Renewal, renew

__all__ = ["Renewal", "bundled_master", "open_master", "renew"]
