"""Plays a scenario's faults: in the market's voice, in a client's messages, at its socket."""

from momentum_kit.simgateway.faults.player import FaultPlayer

__all__ = ["FaultPlayer"]
