"""What every fault has: when it happens and whom it meets. The kinds are in fault_specs.py and account_faults.py."""

import difflib
import re
from collections.abc import Iterable

from pydantic import Field, model_validator

from momentum_kit.simgateway.protocol import REPLIES, REQUESTS
from momentum_kit.simgateway.scenario.sections import ClockTime, ScenarioSection

EVENTS = ("order", "fill", "headline", "client")
ORDER_MESSAGES = ("openOrder", "orderStatus", "execDetails", "commissionReport")


def counted(words: str) -> tuple[str, int]:
    """'placeOrder 3' -> ('placeOrder', 3); without a number it is the first, and ('', 0) is nothing that can be."""
    found = re.fullmatch(r"(\w+)(?: ([1-9]\d{0,5}))?", words)
    return (found[1], int(found[2] or 1)) if found else ("", 0)


def known_name(name: str, known: Iterable[str]) -> None:
    """Refuse a name that is none of these, and say which is nearest."""
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)
        raise ValueError(f"{name!r} is unknown; did you mean {nearest[0]}?")


class Fault(ScenarioSection):
    """When a fault happens: one of at, before and after; none of them where Python code injects it at once."""

    at: ClockTime | None = None
    """Market time, New York."""
    before: str | None = None
    """Before a request is handled: 'placeOrder 3' is the third placeOrder, 'placeOrder' the first."""
    after: str | None = None
    """After an event was told: 'order 2' (the second order the broker knows), 'fill 1', 'headline 1', 'client 1'."""

    @model_validator(mode="after")
    def _one_trigger(self) -> "Fault":
        if self.triggers > 1:
            raise ValueError("give one of at, before and after")
        for words, known in ((self.before, REQUESTS), (self.after, EVENTS)):
            if words is not None:
                known_name(counted(words)[0] or words, known)
        return self

    @property
    def triggers(self) -> int:
        """How many of at, before and after are given."""
        return sum(trigger is not None for trigger in (self.at, self.before, self.after))


class ClientFault(Fault):
    """A fault of one connection."""

    client: int | None = None
    """Client id; left out: every client, or the one whose request it was."""


class MessageFault(ClientFault):
    """A fault of the next messages of some kinds."""

    messages: tuple[str, ...] = ORDER_MESSAGES
    """Callbacks by IB's names; tickPrice, currentTime and so on."""
    count: int = Field(default=1, ge=1)
    """How many messages it hits."""

    @model_validator(mode="after")
    def _known_messages(self) -> "MessageFault":
        for name in self.messages:
            known_name(name, REPLIES)
        return self
