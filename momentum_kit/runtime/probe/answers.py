"""What was heard, held against what each alternative of a switch predicts: pure, and never a guess.

Every function names the alternatives that what was heard leaves possible. One is an answer, several are undecided, none
is a broker that does what nobody has written down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from momentum_kit.simgateway.embedding import SWITCHES

ALTERNATIVES = {switch.name: frozenset(each.name for each in switch.alternatives) for switch in SWITCHES}

NOT_ASKED = {
    "execution_correction": "the broker corrects executions when it does",
    "liquidated_orders": "takes a margin call",
    "partial_parent": "takes an entry that fills in parts",
    "dead_partial_parent": "takes an entry that fills in parts",
    "oca_cancels_on": "takes a fill in parts",
    "overfill_protection": "takes two orders that could fill at once",
    "restored_replay": "takes a gateway that loses IB",
    "market_order": "takes a market that falls away from a market order",
    "market_to_limit": "takes a market order that does not fill",
    "far_limit": "takes an order far through the market",
    "stop_first_echo": "takes the raw echo, which the bridge sets right",
    "trail_in_group": "takes a trailing stop, which this probe does not place yet",
    "trail_start": "takes a trailing stop under a parent that fills",
    "trail_modified": "takes a market that moves",
    "trail_told": "takes a market that moves",
    "trail_amount_told": "takes a trailing stop, which this probe does not place yet",
    "history_farm": "the bridge takes both for a farm that is well",
}
"""Switches that this probe does not ask, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchAnswer:
    """A switch, the alternatives that are left, and what was seen."""

    switch: str
    possible: frozenset[str]
    seen: str

    @property
    def decided(self) -> str:
        """The one that is left, '' where it is not one."""
        return next(iter(self.possible)) if len(self.possible) == 1 else ""

    def __str__(self) -> str:
        told = self.decided or f"undecided ({', '.join(sorted(self.possible)) or 'none of those that are known'})"
        return f"{self.switch}: {told}; {self.seen}"


def answer(switch: str, possible: Iterable[str], seen: str) -> SwitchAnswer:
    """Of the known alternatives; every one where nothing was learnt."""
    left = frozenset(possible)
    assert left <= ALTERNATIVES[switch], f"{switch}: {left - ALTERNATIVES[switch]}"
    return SwitchAnswer(switch=switch, possible=left, seen=seen)


def nothing_learnt(switch: str, why: str) -> SwitchAnswer:
    """Every alternative is left."""
    return answer(switch, ALTERNATIVES[switch], why)


def first_status(day: Sequence[bool], gtc: Sequence[bool]) -> SwitchAnswer:
    """day, gtc: of each resting limit order to buy, whether PreSubmitted came before Submitted."""
    seen = f"PreSubmitted first: {sum(day)} of {len(day)} DAY limits, {sum(gtc)} of {len(gtc)} GTC limits"
    if len({*day}) > 1 or len({*gtc}) > 1:
        return answer("first_status", {"seeded"}, seen)
    by_kind = {(False, False): "direct", (True, True): "held", (False, True): "buys_and_gtc_held"}
    found = by_kind.get((all(day), all(gtc)))
    return answer("first_status", {found} if found else (), seen)


def cancel_status(pending: Sequence[bool]) -> SwitchAnswer:
    """pending: of each cancelled order, whether PendingCancel came before Cancelled."""
    seen = f"PendingCancel first: {sum(pending)} of {len(pending)} cancels"
    found = "seeded" if len({*pending}) > 1 else "pending_first" if all(pending) else "direct"
    return answer("cancel_status", {found}, seen)


def fill_order(plain_execution_first: bool, modified_execution_first: bool) -> SwitchAnswer:
    """Which came first, execution or status: of a market order, and of a limit that was modified to one."""
    by_kind = {
        (True, True): "execution_first",
        (True, False): "status_first_after_modify",
        (False, False): "status_first",
    }
    words = {True: "execution first", False: "status first"}
    seen = f"{words[plain_execution_first]} at a market order, {words[modified_execution_first]} after a modify"
    found = by_kind.get((plain_execution_first, modified_execution_first))
    return answer("fill_order", {found} if found else (), seen)
