"""What the broker does but nobody can promise: the open questions, the alternatives with their sources, the answers.

Each Switch is a question that recordings and documents leave open; BrokerAssumptions holds one answer to each, and the
rest of this package asks it. A scenario picks alternatives by name; `momentum-kit sim --assumptions` lists SWITCHES.
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
    """One open question about the broker; `name` is the field of BrokerAssumptions that answers it."""

    name: str
    question: str
    alternatives: tuple[Alternative, ...]


_R, _D, _A = Basis.RECORDED, Basis.DOCUMENTED, Basis.ASSUMED
_TRANSCRIPTS = "recorded gateway transcripts (ThomasMarcelis/ibkr-go, server version 200)"

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "first_status",
        "Is an order that can work at once told PreSubmitted before Submitted?",
        (
            Alternative("buys_and_gtc_held", _R, "live: market BUY yes, market SELL no, 10 of 10; GTC limit yes"),
            Alternative("held", _R, f"every order; {_TRANSCRIPTS}: one resting limit order"),
            Alternative("direct", _R, f"no order; {_TRANSCRIPTS}: three resting limit orders (one GTC), a market SELL"),
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
        "foreign_executions",
        "Does reqExecutions list executions of other clients and of TWS where its filter names no client?",
        (
            Alternative("listed", _D, "clientId is one of the filters: TWS API, ExecutionFilter"),
            Alternative("own_client", _A, "peers had to use the master client id to see them"),
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
    Switch(
        "stop_type_change",
        "Is a modify obeyed that changes a stop into another type?",
        (
            Alternative("refused", _D, "329 (TWS API, message codes); a modify may change price, size and tif"),
            Alternative("accepted", _A, "recorded for a limit order that became a market order, never for a stop"),
        ),
    ),
    Switch(
        "overfill_protection",
        "How do the members of an OCA group with block (types 1 and 2) reach the market?",
        (
            Alternative("atomic", _A, "all at once, and a fill acts on the others at once"),
            Alternative("one_at_a_time", _D, "one is routed; the next waits for its recall (TWS API, ocaType)"),
        ),
    ),
    Switch(
        "good_after_time_in_group",
        "May an order with goodAfterTime have a parent or an OCA group?",
        (
            Alternative("works", _A, "IB documents no limit"),
            Alternative("refused", _A, "201; nobody has shown that it works"),
            Alternative("inactive", _A, "taken, and Inactive as soon as it is to be held"),
            Alternative("asleep", _A, "taken, and never woken"),
            Alternative("alone", _A, "taken, and outside of its group: neither takes the other along"),
        ),
    ),
    Switch(
        "trail_in_group",
        "May a TRAIL have a parent or an OCA group?",
        (
            Alternative("works", _D, "a trailing stop may be attached: TWS API, attached orders. In a group: ASSUMED"),
            Alternative("refused", _A, "201; nobody has shown that it works"),
            Alternative("inactive", _A, "taken, and Inactive at once"),
        ),
    ),
    Switch(
        "trail_start",
        "From when on does a TRAIL follow the price that has a parent?",
        (
            Alternative("parent_filled", _A, "from its parent's fill on"),
            Alternative("submitted", _A, "from the start: what was reached before the fill counts"),
        ),
    ),
    Switch(
        "trail_modified",
        "Where does a TRAIL stand after a modify?",
        (
            Alternative("keeps", _A, "where it stood"),
            Alternative("as_sent", _A, "at the trailStopPrice that the modify carries"),
            Alternative("market", _A, "at its distance from the last price, as if it were new"),
        ),
    ),
    Switch(
        "trail_told",
        "What does trailStopPrice in the openOrder of a TRAIL that has moved say?",
        (
            Alternative("moved", _A, "where it stands; the move itself brings no message"),
            Alternative("each_move", _A, "where it stands, and each move brings an openOrder"),
            Alternative("as_sent", _A, "what the client sent last"),
        ),
    ),
    Switch(
        "trail_amount_told",
        "Does the openOrder of a TRAIL say by which amount it trails (auxPrice)?",
        (
            Alternative("untold", _R, "no aux price; a live gateway's TRAIL, of which only the echo was kept"),
            Alternative("told", _D, "auxPrice is the trailing amount: TWS API, order types"),
        ),
    ),
    Switch(
        "family_cap",
        "May a child sell more than its parent bought?",
        (
            Alternative("capped", _A, "never more than that is filled, and what is too much goes at the parent's end"),
            Alternative("refused", _A, "capped; and a child larger than its parent is rejected with 201"),
            Alternative("uncapped", _A, "a child keeps its size: one larger than the fill turns the position around"),
        ),
    ),
    Switch(
        "far_limit",
        "What becomes of a new limit order far through the market?",
        (
            Alternative("capped", _D, "2161 and mktCapPrice; TWS API, orderStatus. How far is ASSUMED"),
            Alternative("refused", _D, "202 with a price-check text; IBKR, considerations for automated systems"),
            Alternative("accepted", _A, "as it is"),
        ),
    ),
    Switch(
        "market_order",
        "How does a market order of a stock reach the market?",
        (
            Alternative("at_once", _R, f"it fills at the touch, whatever that is; {_TRANSCRIPTS}: three market orders"),
            Alternative(
                "capped",
                _D,
                "as a limit near the touch of its arrival, which rests where the market leaves it behind: 2161 and "
                "mktCapPrice; IBKR simulates market orders of US stocks. How near is ASSUMED",
            ),
            Alternative("sits", _A, "taken, told Submitted, and not matched for market_order_sits_ms"),
        ),
    ),
    Switch(
        "market_to_limit",
        "Is a modify obeyed that makes a limit order of a market order?",
        (
            Alternative("works", _A, "recorded the other way round only"),
            Alternative("refused", _A, "329, and it stays the market order that it is"),
            Alternative("inactive", _A, "201, and the order is at its end"),
        ),
    ),
    Switch(
        "execution_correction",
        "Are executions corrected (the same, its id ending in .02)?",
        (
            Alternative("none", _A, "the usual day"),
            Alternative("every", _D, "all but the id is identical; TWS API, execDetails. How often is ASSUMED"),
        ),
    ),
    Switch(
        "ioc_parent",
        "May the parent of a bracket be IOC or FOK?",
        (
            Alternative("accepted", _A, "its children follow what it filled"),
            Alternative("refused", _A, "201, and the children die with it"),
        ),
    ),
    Switch(
        "restored_replay",
        "What does the gateway repeat by itself after 1102?",
        (
            Alternative("nothing", _A, "the client asks"),
            Alternative("open_orders", _A, "openOrder and orderStatus of every working order of the client"),
            Alternative("orders_and_executions", _A, "these, and all executions of the day once more"),
        ),
    ),
    Switch(
        "cancel_rights",
        "Whose cancel of an order is obeyed?",
        (
            Alternative("anyone", _R, "Cancelled, then 202, for client 0 and between two clients; live gateways"),
            Alternative("client_0_too", _A, "also that of client 0, by the order id it was shown"),
            Alternative("owner", _D, "its own client's, else 10147; TWS API, cancelOrder"),
        ),
    ),
    Switch(
        "global_cancel",
        "What does reqGlobalCancel cancel?",
        (
            Alternative("every_order", _D, "those of all clients and of TWS; TWS API, reqGlobalCancel"),
            Alternative("own_orders", _A, "those of the client that asks"),
        ),
    ),
    Switch(
        "history_farm",
        "In which state is the history farm at a start?",
        (
            Alternative("ok", _R, f"2106; {_TRANSCRIPTS}: four starts"),
            Alternative(
                "inactive", _R, f"2107; {_TRANSCRIPTS}: one start. That the first history wakes it (2106) is ASSUMED"
            ),
        ),
    ),
    Switch(
        "liquidated_orders",
        "What becomes of a contract's working orders when the broker liquidates it?",
        (
            Alternative("cancelled", _A, "the broker clears the way first"),
            Alternative("live", _A, "they can fill, and turn the position around"),
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAssumptions:
    """One answer to every switch; the defaults are what was recorded most often. Delays in market milliseconds."""

    first_status: Literal["buys_and_gtc_held", "held", "direct", "seeded"] = "buys_and_gtc_held"
    cancel_status: Literal["direct", "pending_first", "seeded"] = "direct"
    fill_order: Literal["status_first_after_modify", "execution_first", "status_first"] = "status_first_after_modify"
    opening_pnl: Literal["unset", "zero"] = "unset"
    closing_commission: Literal["prompt", "late", "missing"] = "prompt"
    stop_first_echo: Literal["stray_limit", "clean"] = "stray_limit"
    open_orders_reply: Literal["order_only", "order_and_status"] = "order_only"
    empty_executions: Literal["end", "silence"] = "end"
    foreign_executions: Literal["listed", "own_client"] = "listed"
    staged_child: Literal["silent", "transient_cancelled"] = "silent"
    partial_parent: Literal["children_wait", "children_activate"] = "children_wait"
    dead_partial_parent: Literal["children_resized", "children_cancelled"] = "children_resized"
    oca_cancels_on: Literal["first_fill", "last_fill"] = "first_fill"
    oca_member_cancelled: Literal["cancels_group", "group_lives"] = "cancels_group"
    oca_revision: Literal["order_lives", "order_cancelled"] = "order_lives"
    stop_type_change: Literal["refused", "accepted"] = "refused"
    overfill_protection: Literal["atomic", "one_at_a_time"] = "atomic"
    good_after_time_in_group: Literal["works", "refused", "inactive", "asleep", "alone"] = "works"
    trail_in_group: Literal["works", "refused", "inactive"] = "works"
    trail_start: Literal["parent_filled", "submitted"] = "parent_filled"
    trail_modified: Literal["keeps", "as_sent", "market"] = "keeps"
    trail_told: Literal["moved", "each_move", "as_sent"] = "moved"
    trail_amount_told: Literal["untold", "told"] = "untold"
    family_cap: Literal["capped", "refused", "uncapped"] = "capped"
    far_limit: Literal["capped", "refused", "accepted"] = "capped"
    market_order: Literal["at_once", "capped", "sits"] = "at_once"
    market_to_limit: Literal["works", "refused", "inactive"] = "works"
    execution_correction: Literal["none", "every"] = "none"
    ioc_parent: Literal["accepted", "refused"] = "accepted"
    restored_replay: Literal["nothing", "open_orders", "orders_and_executions"] = "nothing"
    cancel_rights: Literal["anyone", "client_0_too", "owner"] = "anyone"
    global_cancel: Literal["every_order", "own_orders"] = "every_order"
    history_farm: Literal["ok", "inactive"] = "ok"
    liquidated_orders: Literal["cancelled", "live"] = "cancelled"
    late_execution_ms: int = 100
    late_commission_ms: int = 5_000
    late_correction_ms: int = 2_000
    locate_ms: int = 30_000
    market_order_sits_ms: int = 20_000
    recall_ms: int = 500  # overfill protection: until a routed order is back and the next one goes

    def __post_init__(self) -> None:
        for switch in SWITCHES:
            known = [alternative.name for alternative in switch.alternatives]
            if getattr(self, switch.name) not in known:
                raise ScenarioError(f"assumption {switch.name}: {getattr(self, switch.name)!r} is none of {known}")
        for name in (field.name for field in fields(self) if field.name.endswith("_ms")):
            delay = getattr(self, name)
            if not isinstance(delay, int) or delay < 0:
                raise ScenarioError(f"assumption {name}: {delay!r} is no number of milliseconds")

    @classmethod
    def choose(cls, choices: Mapping[str, Any]) -> "BrokerAssumptions":
        """Defaults but for `choices` (switch name to alternative); ScenarioError names what is unknown."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(choices) - known)
        if unknown:
            raise ScenarioError(f"unknown assumption {unknown[0]!r}; known: {', '.join(sorted(known))}")
        return cls(**choices)
