"""The flight log: what an operator forwards of a session."""

from momentum_kit.notebook.flight_log.flight_log import FlightLog

__all__ = ["FlightLog"]
