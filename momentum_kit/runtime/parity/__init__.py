"""A run against its replay: what differs, told in words."""

from momentum_kit.runtime.parity.parity import RunToReplay, parity_of_data, parity_of_run

__all__ = ["RunToReplay", "parity_of_data", "parity_of_run"]
