"""A run against its replay: what differs, told in words."""

from momentum_kit.runtime.parity.runs import parity_of_data, parity_of_run

__all__ = ["parity_of_data", "parity_of_run"]
