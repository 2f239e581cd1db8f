"""IB's Flex statements (XML of an Activity query): a file -> the day of one account."""

from momentum_kit.storage.flex.activity import read_day
from momentum_kit.storage.flex.document import FlexFile, FlexPeriod, read_flex

__all__ = ["FlexFile", "FlexPeriod", "read_day", "read_flex"]
