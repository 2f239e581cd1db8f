"""What a check of the doctor found: its grade, what was seen and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How a check ended. A problem keeps a session from starting or from being safe; a warning wants a look."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination; advice is empty where there is nothing to do."""

    check: str
    grade: Grade
    found: str
    advice: str = ""

    def __str__(self) -> str:
        text = f"{self.grade:<8} {self.check:<18} {self.found}"
        return f"{text}\n{'':<28}{self.advice}" if self.advice else text
