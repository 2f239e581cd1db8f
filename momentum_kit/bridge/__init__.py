"""The only importer of ibapi: its thread on one side, futures and streams on the other."""

from momentum_kit.bridge.bridge import IBKRBridge, bar_seconds
from momentum_kit.bridge.codes import CodeTable, Meaning, load_codes
from momentum_kit.bridge.pacing import Pacing
from momentum_kit.bridge.streams import Stream

__all__ = ["CodeTable", "IBKRBridge", "Meaning", "Pacing", "Stream", "bar_seconds", "load_codes"]
