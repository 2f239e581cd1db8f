"""A refusal as a value: IB's error code and its words."""

from typing import NamedTuple


class Refusal(NamedTuple):
    """An error code and its text."""

    code: int
    text: str


def rejected(reason: str) -> Refusal:
    """201, the broker's own refusal, in its words."""
    return Refusal(201, f"Order rejected - reason:{reason}")
