"""What of the data was seen: days named by content, the record of seals and openings, and the guard before a look."""

from momentum_kit.research.seals.content import day_contents, named_day
from momentum_kit.research.seals.seal_log import Entry, Remembered, Role, SealLog, SealRecord, record_opening
from momentum_kit.research.seals.sealed_days import SEALS, guard_sealed_day, record_folder

__all__ = [
    "SEALS", "Entry", "Remembered", "Role", "SealLog", "SealRecord", "day_contents", "guard_sealed_day", "named_day",
    "record_folder", "record_opening",
]  # fmt: skip
