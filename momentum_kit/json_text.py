"""Parses JSON that somebody else wrote: whatever is wrong with it is a ValueError, also where Python raises another."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """What a text holds. Raises ValueError with a line of words; json.JSONDecodeError, one of them, names its place."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # bytes that are no text, a number of thousands of digits
        raise ValueError(str(error).partition(";")[0]) from None
