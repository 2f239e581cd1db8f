"""Base of every section of a scenario file, and the clock times in them; under scenario.py, limits.py and faults."""

import re
from datetime import time
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Section(BaseModel):
    """A part of a scenario: frozen, and an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _clock_time(value: object) -> object:
    # YAML 1.1 reads an unquoted 09:30 as a number in base 60 (570), and 09:30:05 as 34205.
    if isinstance(value, int):
        seconds = value if value >= 24 * 60 else value * 60
        return time(seconds // 3600, seconds // 60 % 60, seconds % 60) if seconds < 24 * 3600 else value
    if isinstance(value, str) and not re.fullmatch(r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", value):
        raise ValueError("expected HH:MM or HH:MM:SS, New York time")
    return value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]
