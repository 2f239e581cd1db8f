"""What every engine loads at its start, loaded once: the server that forks the engines of worlds imports this."""

from datetime import UTC, datetime
from pathlib import Path

from momentum_kit.sessions import session_at
from momentum_kit.storage.symbols import open_master
from tests.chaos.orders.mortal_engine import live

session_at(datetime(2026, 11, 20, 15, tzinfo=UTC), "XNYS")
open_master(Path(), "")

__all__ = ["live"]
