"""The journal's rows, one class a table: services build them, the SQLite journal and the event stream take them.

A field is a column, in the table's order and under its name; a test holds both equal. Every field is required, so that
a column left out or misspelt is an error of mypy and not of a live session.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from momentum_kit.models.decisions import Features, RiskCheck, RuleVerdict
from momentum_kit.models.news import Catalyst, Certainty, Direction, HeadlinePhase, Reading
from momentum_kit.models.orders import OrderAction


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One row of the table that its class names."""

    table: ClassVar[str]

    def columns(self) -> dict[str, Any]:
        """Column name to value, in the table's order; values as they were given, not as they are stored."""
        return {name: getattr(self, name) for name in columns_of(type(self))}


def columns_of(kind: type[JournalRow]) -> tuple[str, ...]:
    """The names of a table's columns, without the two that the journal itself adds (id and wall_ns)."""
    return tuple(field.name for field in dataclasses.fields(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlineRow(JournalRow):
    """A headline, whatever became of it: outcome is item, or skip with its reason; milliseconds of wall time.

    detail: which companies were candidates, and the check that refused each.
    """

    table: ClassVar[str] = "headlines"
    at: datetime
    story_id: str
    provider: str
    article_id: str
    text: str
    published_at: datetime
    received_at: datetime | None
    phase: HeadlinePhase
    outcome: str
    reason: str
    symbols: Sequence[str]
    n_tickers: int
    catalyst: Catalyst
    catalyst_rule: str
    parse_ms: float
    resolve_ms: float
    catalyst_words: str
    about: Catalyst
    direction: Direction
    certainty: Certainty
    amount_usd: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRow(JournalRow):
    """An article behind a headline: outcome is read, kept (a PDF, in base64) or unread with its reason.

    kind: text, html, xml or pdf. dilution: the words that tell of it. symbols: named with their exchange.
    """

    table: ClassVar[str] = "articles"
    at: datetime
    story_id: str
    provider: str
    article_id: str
    outcome: str
    reason: str
    kind: str | None
    chars: int
    fetch_ms: float | None
    dilution: str
    symbols: Sequence[str]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow(JournalRow):
    """A news item, with its second reading if there is one."""

    table: ClassVar[str] = "items"
    at: datetime
    item_id: str
    story_id: str
    symbol: str
    con_id: int
    catalyst: Catalyst
    sentiment: float
    confidence: float
    reading: Reading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow(JournalRow):
    """A news item judged at one bar close (decided_at), or the last word on it (final).

    at: market time at which it was judged. features_ms, rules_ms: wall time of the work; None on a last word, which
    repeats a row already measured.
    """

    table: ClassVar[str] = "decisions"
    at: datetime
    item_id: str
    story_id: str
    symbol: str
    con_id: int
    decided_at: datetime
    verdict: str
    reason: str
    detail: str
    final: int
    price: float | None
    features: Features | None
    rules: Sequence[RuleVerdict]
    features_ms: float | None
    rules_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRow(JournalRow):
    """The risk gate's verdict on a signal, with every limit as it stood."""

    table: ClassVar[str] = "risk"
    at: datetime
    item_id: str
    story_id: str
    symbol: str
    con_id: int
    verdict: str
    reason: str
    quantity: Decimal
    limits: Sequence[RiskCheck]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRow(JournalRow):
    """What the broker answered to a what-if order for a watched symbol, which then decides its entries.

    margin: the change of initial margin, in `currency`; rate: of its notional in USD, nan where unknown. verdict: told,
    refused or unknown; words: the broker's own.
    """

    table: ClassVar[str] = "margins"
    at: datetime
    symbol: str
    con_id: int
    quantity: Decimal
    limit_price: float | None
    margin: float
    currency: str
    rate: float
    verdict: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow(JournalRow):
    """A message on an order that went out; change: place, modify or cancel.

    decide_to_sent_ms: wall time from the arrival of what decided to the last byte, on the last leg of a bracket.
    """

    table: ClassVar[str] = "orders"
    at: datetime
    intent_id: str
    item_id: str
    order_id: int
    leg: str
    symbol: str
    con_id: int
    action: OrderAction
    order_type: str
    quantity: Decimal
    limit_price: float | None
    stop_price: float | None
    tif: str
    change: str
    decide_to_sent_ms: float | None
    good_after: datetime | None = None
    trailing_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdateRow(JournalRow):
    """One orderStatus."""

    table: ClassVar[str] = "order_updates"
    at: datetime
    order_id: int
    perm_id: int
    status: str
    filled: Decimal
    remaining: Decimal
    avg_fill_price: float
    why_held: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow(JournalRow):
    """One error or warning that the broker tied to an order."""

    table: ClassVar[str] = "notices"
    at: datetime
    order_id: int
    code: int
    text: str
    meaning: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow(JournalRow):
    """One match as the broker recorded it, ours or not; time is the exchange's."""

    table: ClassVar[str] = "executions"
    at: datetime
    exec_id: str
    order_id: int
    perm_id: int
    order_ref: str
    symbol: str
    con_id: int
    side: OrderAction
    shares: Decimal
    price: float
    time: datetime
    exchange: str
    liquidation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionRow(JournalRow):
    """What one execution cost, as the broker told it; commission_usd is nan where that is no amount in USD.

    amount: in `currency`, nan where unset. basis: reported, converted, or unknown: then the ledger estimates.
    """

    table: ClassVar[str] = "commissions"
    at: datetime
    exec_id: str
    commission_usd: float
    realized_pnl_usd: float
    amount: float
    currency: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRow(JournalRow):
    """A holding on its way out was asked for."""

    table: ClassVar[str] = "exits"
    at: datetime
    con_id: int
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTripRow(JournalRow):
    """A position from its first fill to flat; r is net profit over the initial risk.

    costs_basis: reported, converted, estimated or unknown, the worst of its fills'; estimated_usd: what of the costs
    the broker has not told.
    """

    table: ClassVar[str] = "round_trips"
    at: datetime
    item_id: str
    symbol: str
    con_id: int
    opened_at: datetime
    closed_at: datetime
    quantity: Decimal
    entry_price: float
    exit_price: float
    gross_usd: float
    costs_usd: float
    net_usd: float
    reason: str
    r: float
    costs_basis: str
    estimated_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityRow(JournalRow):
    """Profit so far; what is open at the last prices."""

    table: ClassVar[str] = "equity"
    at: datetime
    realised_usd: float
    unrealised_usd: float
    costs_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow(JournalRow):
    """The close of a watched symbol's 5 s bar, and the quote as it then stood."""

    table: ClassVar[str] = "marks"
    at: datetime
    con_id: int
    symbol: str
    price: float
    bid: float | None
    ask: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow(JournalRow):
    """A human's command, who gave it, and what became of it."""

    table: ClassVar[str] = "commands"
    at: datetime
    command: str
    source: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow(JournalRow):
    """Something out of the ordinary."""

    table: ClassVar[str] = "incidents"
    at: datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaRow(JournalRow):
    """What holds for the whole session."""

    table: ClassVar[str] = "meta"
    key: str
    value: str


JOURNAL_ROWS: tuple[type[JournalRow], ...] = (
    HeadlineRow, ArticleRow, ItemRow, DecisionRow, RiskRow, MarginRow, OrderRow, OrderUpdateRow, NoticeRow,
    ExecutionRow, CommissionRow, ExitRow, RoundTripRow, EquityRow, MarkRow, CommandRow, IncidentRow, MetaRow,
)  # fmt: skip
"""Every table of the journal."""
