"""What a check of the doctor found: its grade, what was seen and what to do about it."""

import textwrap
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

WIDTH = 118  # columns of a terminal that is not maximised
_BELOW = " " * 28
_WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


class Grade(StrEnum):
    """How a check ended. A problem keeps a session from starting or from being safe; a warning wants a look."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    ASK = "ask"  # nothing here can see it: a person has to look


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of the examination; advice is empty where there is nothing to do."""

    check: str
    grade: Grade
    found: str
    advice: str = ""

    def __str__(self) -> str:
        head = f"{self.grade:<8} {self.check:<18} "
        lines = textwrap.wrap(self.found, WIDTH, initial_indent=head, subsequent_indent=_BELOW, **_WHOLE_WORDS)
        lines += textwrap.wrap(self.advice, WIDTH, initial_indent=_BELOW, subsequent_indent=_BELOW, **_WHOLE_WORDS)
        return "\n".join(lines)
