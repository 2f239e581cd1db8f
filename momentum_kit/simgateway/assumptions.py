"""What the broker does but nobody can promise: named switches for matching.py, each alternative tagged and sourced.

A scenario picks alternatives by name (`Assumptions.choose`); `momentum-kit sim --assumptions` lists SWITCHES.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Literal

from momentum_kit.errors import ScenarioError


class Basis(StrEnum):
    """How well an alternative is known."""

    RECORDED = "recorded"  # seen in traffic of a live or paper gateway
    DOCUMENTED = "documented"  # stated by IB
    ASSUMED = "assumed"  # reported by peers, or our best guess


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way the broker may behave, and how we know."""

    name: str
    basis: Basis
    source: str


@dataclass(frozen=True, slots=True)
class Switch:
    """One open question about the broker; `name` is the field of Assumptions that answers it."""

    name: str
    question: str
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """One answer to every switch; the defaults are what was recorded most often. Delays in market milliseconds."""

    first_status: Literal["opening_market_held", "held", "direct", "seeded"] = "opening_market_held"
    cancel_status: Literal["direct", "pending_first", "seeded"] = "direct"
    fill_order: Literal["status_first_after_modify", "execution_first", "status_first"] = "status_first_after_modify"
    opening_pnl: Literal["unset", "zero"] = "unset"
    closing_commission: Literal["prompt", "late", "missing"] = "prompt"
    stop_first_echo: Literal["stray_limit", "clean"] = "stray_limit"
    open_orders_reply: Literal["order_only", "order_and_status"] = "order_only"
    empty_executions: Literal["end", "silence"] = "end"
    staged_child: Literal["silent", "transient_cancelled"] = "silent"
    partial_parent: Literal["children_wait", "children_activate"] = "children_wait"
    dead_partial_parent: Literal["children_resized", "children_cancelled"] = "children_resized"
    oca_cancels_on: Literal["first_fill", "last_fill"] = "first_fill"
    oca_member_cancelled: Literal["cancels_group", "group_lives"] = "cancels_group"
    oca_revision: Literal["order_lives", "order_cancelled"] = "order_lives"
    late_execution_ms: int = 100
    late_commission_ms: int = 5_000

    def __post_init__(self) -> None:
        for switch in SWITCHES:
            known = [alternative.name for alternative in switch.alternatives]
            if getattr(self, switch.name) not in known:
                raise ScenarioError(f"assumption {switch.name}: {getattr(self, switch.name)!r} is none of {known}")
        for name in ("late_execution_ms", "late_commission_ms"):
            delay = getattr(self, name)
            if not isinstance(delay, int) or delay < 0:
                raise ScenarioError(f"assumption {name}: {delay!r} is no number of milliseconds")

    @classmethod
    def choose(cls, choices: Mapping[str, Any]) -> "Assumptions":
        """Defaults but for `choices` (switch name to alternative); ScenarioError names what is unknown."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(choices) - known)
        if unknown:
            raise ScenarioError(f"unknown assumption {unknown[0]!r}; known: {', '.join(sorted(known))}")
        return cls(**choices)


_R, _D, _A = Basis.RECORDED, Basis.DOCUMENTED, Basis.ASSUMED
_TRANSCRIPTS = "recorded gateway transcripts (ThomasMarcelis/ibkr-go, server version 200)"

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "first_status",
        "Is an order that can work at once told PreSubmitted before Submitted?",
        (
            Alternative("opening_market_held", _R, f"market orders that open a position only; {_TRANSCRIPTS}"),
            Alternative("held", _R, f"every order; {_TRANSCRIPTS}: one resting limit order"),
            Alternative("direct", _R, f"no order; {_TRANSCRIPTS}: three resting limit orders, a closing market order"),
            Alternative("seeded", _A, "half of them, by seed and perm id: no rule explains all recordings"),
        ),
    ),
    Switch(
        "cancel_status",
        "Is a cancel told PendingCancel before Cancelled? (An IOC remainder always is.)",
        (
            Alternative("direct", _R, f"{_TRANSCRIPTS}: four cancels"),
            Alternative("pending_first", _R, f"{_TRANSCRIPTS}: one cancel, of the order that had been told twice"),
            Alternative("seeded", _A, "half of them, by seed and perm id: no rule explains all recordings"),
        ),
    ),
    Switch(
        "fill_order",
        "What comes first: the execution, or the status that counts it?",
        (
            Alternative("status_first_after_modify", _R, f"a modified order's status comes first; {_TRANSCRIPTS}"),
            Alternative("execution_first", _R, f"{_TRANSCRIPTS}: three market orders"),
            Alternative("status_first", _R, f"{_TRANSCRIPTS}: a limit order modified to market"),
        ),
    ),
    Switch(
        "opening_pnl",
        "What is realizedPNL in the commission report of an opening execution?",
        (
            Alternative("unset", _R, f"1.7976931348623157E308; {_TRANSCRIPTS}"),
            Alternative("zero", _R, f"{_TRANSCRIPTS} (perhaps normalised by the source)"),
        ),
    ),
    Switch(
        "closing_commission",
        "When does the commission report of a closing execution come?",
        (
            Alternative("prompt", _A, "like that of an opening one"),
            Alternative("late", _R, f"not within 100 ms after Filled; {_TRANSCRIPTS}"),
            Alternative("missing", _R, f"the recording ends without it; {_TRANSCRIPTS}"),
        ),
    ),
    Switch(
        "stop_first_echo",
        "Which lmtPrice does the first openOrder of a new stop carry?",
        (
            Alternative("stray_limit", _R, f"near the stop; {_TRANSCRIPTS}. That it is one spread away is ASSUMED"),
            Alternative("clean", _D, "a stop has no limit price"),
        ),
    ),
    Switch(
        "open_orders_reply",
        "Does an orderStatus follow each openOrder that answers reqOpenOrders?",
        (
            Alternative("order_only", _R, _TRANSCRIPTS),
            Alternative("order_and_status", _D, "interactivebrokers.github.io/tws-api/open_orders.html"),
        ),
    ),
    Switch(
        "empty_executions",
        "Does execDetailsEnd answer reqExecutions on a day without executions?",
        (
            Alternative("end", _D, "interactivebrokers.github.io/tws-api/executions_commissions.html"),
            Alternative("silence", _R, _TRANSCRIPTS),
        ),
    ),
    Switch(
        "staged_child",
        "Is a child that is staged with transmit=False told anything?",
        (
            Alternative("silent", _R, f"{_TRANSCRIPTS}: an order without parent"),
            Alternative("transient_cancelled", _A, "peers saw Cancelled on children that lived"),
        ),
    ),
    Switch(
        "partial_parent",
        "What do children do while their parent is partly filled?",
        (
            Alternative(
                "children_wait", _D, "a child is not activated before its parent fills: TWS API, attached orders"
            ),
            Alternative("children_activate", _A, "peers saw a stop fire under a partly filled parent; never beyond it"),
        ),
    ),
    Switch(
        "dead_partial_parent",
        "What becomes of children whose parent died after a partial fill?",
        (
            Alternative("children_resized", _A, "they protect what was filled"),
            Alternative("children_cancelled", _A, "they die with it and leave the position bare"),
        ),
    ),
    Switch(
        "oca_cancels_on",
        "When does a fill cancel the rest of an OCA group of type 1?",
        (
            Alternative("first_fill", _D, "type 1: cancel all remaining orders with block (TWS API, ocaType)"),
            Alternative("last_fill", _A, "partial fills block the rest, the last one cancels it"),
        ),
    ),
    Switch(
        "oca_member_cancelled",
        "Does a client's cancel of one member cancel its OCA group?",
        (
            Alternative("cancels_group", _D, "TWS guide of 2001, elitetrader.com thread 2163"),
            Alternative("group_lives", _A, "only fills act on the group"),
        ),
    ),
    Switch(
        "oca_revision",
        "What happens to an order whose modify names another OCA group (error 10326)?",
        (
            Alternative("order_lives", _A, "the modify is refused (nautilus_trader issue 2978)"),
            Alternative("order_cancelled", _A, "peers saw the gateway cancel it"),
        ),
    ),
)
