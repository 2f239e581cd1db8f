"""Plays a scenario's faults on the gateway as a whole, on one client's messages, and on its socket."""

from momentum_kit.simgateway.faults.player import FaultPlayer

__all__ = ["FaultPlayer"]
