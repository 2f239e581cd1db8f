"""The only importer of ibapi: its thread on one side, futures and streams on the other."""

from momentum_kit.bridge.bridge import IBKRBridge
from momentum_kit.bridge.codes import CodeTable, Meaning, load_codes
from momentum_kit.bridge.streams.buffers import Stream

__all__ = ["CodeTable", "IBKRBridge", "Meaning", "Stream", "load_codes"]
