"""Simulates the risk gate: signals of one set of thresholds in time order, through a session's gate and sizing.

A sweep counts signals, event by event, exact for every cell. What the gate lets through depends on what was bought
before (cool-down, caps, loss limits), cannot be added up over cells, and is therefore run for a few of them only: those
of the shortlist.
"""

import heapq
import math
from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import ExitSettings, RiskSettings, Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.models import TradingState
from momentum_kit.pages import Block, Shown, frame_block, word
from momentum_kit.research.events import EventTable
from momentum_kit.research.sweep.triggers import first_triggers
from momentum_kit.sessions import session_on
from momentum_kit.trading import US_STOCK_BANDS
from momentum_kit.trading.risk import (
    AccountFacts,
    EntryFacts,
    EntryOrder,
    Exposure,
    MarketFacts,
    check_entry,
    plan_bracket,
    to_maintenance_s,
)

MINUTE = timedelta(seconds=60)
SHOWN = 12  # orders that a cell lists
COLUMNS = (
    "item_id", "symbol", "con_id", "day", "at", "verdict", "reason", "quantity", "notional_usd", "ends_at", "net_bps",
    "net_usd",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RiskGateSimulation(Shown):
    """What came of each signal at the gate.

    orders: one row a signal, in time order, with the columns of COLUMNS; verdict is accepted or refused, reason the
    first limit that failed. net_bps and net_usd are nan for what was refused or did not fill.
    """

    orders: pd.DataFrame

    @property
    def refused(self) -> dict[str, int]:
        """Reason to number of signals refused, most frequent first."""
        reasons = self.orders.loc[self.orders["verdict"] == "refused", "reason"]
        return {str(reason): int(count) for reason, count in reasons.value_counts().items()}

    @property
    def trips(self) -> pd.DataFrame:
        """The filled entries in the order in which they ended."""
        filled = self.orders[self.orders["net_usd"].notna()]
        return filled.sort_values(["ends_at", "con_id"], kind="stable").reset_index(drop=True)

    @property
    def equity_usd(self) -> pd.Series:
        """Net profit so far after each round trip, by the time it ended."""
        trips = self.trips
        return pd.Series(trips["net_usd"].cumsum().to_numpy(), index=pd.DatetimeIndex(trips["ends_at"]), name="net_usd")

    @property
    def drawdown_usd(self) -> float:
        """Largest fall of the equity from its highest point so far, the start included; 0 or more."""
        equity = np.concatenate([[0.0], self.equity_usd.to_numpy()])
        return float((np.maximum.accumulate(equity) - equity).max())

    def summary(self) -> dict[str, float | int | dict[str, int]]:
        """The simulation in numbers; turnover is what was bought, per day with an order; nan where nothing filled."""
        trips, accepted = self.trips, self.orders["verdict"] == "accepted"
        days = self.orders.loc[accepted, "day"].nunique()
        bought = float(trips["notional_usd"].sum())
        daily = trips.groupby("day")["net_usd"].sum()
        return {
            "signals": len(self.orders),
            "entries": int(accepted.sum()),
            "fills": len(trips),
            "refused": self.refused,
            "hit_rate": float((trips["net_bps"] > 0).mean()),
            "mean_bps": float(trips["net_bps"].mean()),
            "median_bps": float(trips["net_bps"].median()),
            "net_usd": float(trips["net_usd"].sum()),
            "worst_day_usd": float(daily.min()),
            "drawdown_usd": self.drawdown_usd,
            "turnover_usd": bought,
            "turnover_a_day_usd": bought / days if days else 0.0,
        }

    def blocks(self) -> list[Block]:
        """What it came to, and the first orders with what became of them, identifiers left out."""
        rows = self.orders[["at", *(name for name in COLUMNS if name not in ("at", "day", "item_id", "con_id"))]]
        return [Block("text", str(self)), frame_block(rows.head(SHOWN))]

    def __str__(self) -> str:
        found = self.summary()
        refused = ", ".join(f"{reason} {count}" for reason, count in self.refused.items()) or "none"
        return (
            f"{found['signals']} signals, {found['entries']} entries, {found['fills']} fills: "
            f"{word(found['net_usd'])} USD net, largest drawdown {word(found['drawdown_usd'])} USD; refused: {refused}"
        )


@dataclass(slots=True)
class _Desk:
    """What the gate must know, kept as a session keeps it; open positions count with no profit until they end."""

    day: date = date.min
    day_pnl_usd: float = 0.0
    symbol_pnl_usd: dict[int, float] = field(default_factory=dict)
    losses_in_a_row: int = 0
    last_entry: dict[int, datetime] = field(default_factory=dict)
    recent: deque[datetime] = field(default_factory=deque)
    entered: set[str] = field(default_factory=set)
    busy: dict[int, tuple[Decimal, float, str]] = field(default_factory=dict)  # con_id: shares, USD, catalyst
    ends: list[tuple[datetime, int, float]] = field(default_factory=list)  # heap: when, con_id, net in USD or nan

    def advance(self, now: datetime, day: date) -> None:
        """Let end what ends until now; a new day begins with no profit and no entries."""
        while self.ends and self.ends[0][0] <= now:
            _, con_id, net_usd = heapq.heappop(self.ends)
            del self.busy[con_id]
            if not math.isnan(net_usd):
                self.day_pnl_usd += net_usd
                self.symbol_pnl_usd[con_id] = self.symbol_pnl_usd.get(con_id, 0.0) + net_usd
                self.losses_in_a_row = self.losses_in_a_row + 1 if net_usd < 0 else 0
        if day != self.day:
            self.day, self.day_pnl_usd, self.losses_in_a_row = day, 0.0, 0
            self.symbol_pnl_usd.clear()
            self.last_entry.clear()
        while self.recent and now - self.recent[0] >= MINUTE:
            self.recent.popleft()

    def exposure(self, now: datetime, con_id: int, item_id: str, catalyst: str, risk: RiskSettings) -> Exposure:
        """As of now."""
        session, last = session_on(self.day), self.last_entry.get(con_id)
        quantity, notional_usd, _ = self.busy.get(con_id, (Decimal(0), 0.0, ""))
        return Exposure(
            state=TradingState.RUNNING,
            symbol_quantity=quantity,
            entries_on_item=int(item_id in self.entered),
            doubt="",
            opposite_orders=0,
            slots=len(self.busy),
            catalyst_slots=sum(each == catalyst for _, _, each in self.busy.values()),
            notional_usd=sum(notional for _, notional, _ in self.busy.values()),
            symbol_notional_usd=notional_usd,
            entries_last_minute=len(self.recent),
            since_last_entry_s=(now - last).total_seconds() if last else float("inf"),
            to_close_s=(session.close - now).total_seconds() if session else float("nan"),
            to_maintenance_s=to_maintenance_s(now, risk.maintenance),
            day_pnl_usd=self.day_pnl_usd,
            symbol_pnl_usd=self.symbol_pnl_usd.get(con_id, 0.0),
            losses_in_a_row=self.losses_in_a_row,
        )

    def enter(
        self, now: datetime, con_id: int, item_id: str, catalyst: str, shares: Decimal, notional_usd: float,
        ends_at: datetime, net_bps: float,
    ) -> None:  # fmt: skip
        """Remember an entry and when it ends; net_bps is nan where it did not fill."""
        self.busy[con_id] = (shares, notional_usd, catalyst)
        heapq.heappush(self.ends, (ends_at, con_id, net_bps / 1e4 * notional_usd))
        self.last_entry[con_id] = now
        self.recent.append(now)
        self.entered.add(item_id)


def simulate_risk_gate(
    table: EventTable,
    thresholds: Thresholds,
    exit_name: str,
    *,
    risk: RiskSettings,
    exits: ExitSettings,
    held_s: npt.NDArray[np.float64] | None = None,
) -> RiskGateSimulation:
    """Run the signals of one set of thresholds through the gate, one after the other.

    held_s: (N, K) seconds until a position bought at that decision time ends; None takes the time stop for all, which
    keeps slots busy for longer than they were, and so refuses more than a session would. The ask is the last price
    plus half the spread; a return is that of the table's notional. Raises ResearchError for an unknown exit rule and
    where nothing signals.
    """
    if exit_name not in table.net_bps:
        raise ResearchError(f"traded: no outcomes for the exit rule {exit_name}; known: {', '.join(table.net_bps)}")
    triggers = first_triggers(table, thresholds)
    events = np.flatnonzero(triggers >= 0)
    if not events.size:
        raise ResearchError(f"traded: no event signals with the thresholds {thresholds.name}; choose a looser cell")
    at, con_ids = table.at[events, triggers[events]], table.events["con_id"].to_numpy()[events]
    item_ids = table.events["item_id"].to_numpy()[events]
    desk, rows = _Desk(), []
    for place in np.lexsort((item_ids, con_ids, at)):  # the order in which decisions take effect in a session
        event = int(events[place])
        rows.append(_order(table, event, int(triggers[event]), exit_name, desk, risk, exits, held_s))
    return RiskGateSimulation(pd.DataFrame(rows, columns=list(COLUMNS)))


def _order(
    table: EventTable, event: int, k: int, exit_name: str, desk: _Desk, risk: RiskSettings, exits: ExitSettings,
    held_s: npt.NDArray[np.float64] | None,
) -> dict[str, Any]:  # fmt: skip
    row = table.events.iloc[event]
    now, con_id, item_id = (
        pd.Timestamp(table.at[event, k], tz="UTC").to_pydatetime(),
        int(row["con_id"]),
        row["item_id"],
    )
    desk.advance(now, row["day"].date())
    price, spread_bps = float(table.features["price"][event, k]), float(table.features["spread_bps"][event, k])
    ask = price * (1 + spread_bps / 2e4) if np.isfinite(spread_bps) else price
    plan = plan_bracket(ask, float(table.features["atr"][event, k]), risk, exits, US_STOCK_BANDS)
    catalyst = str(row["catalyst"])
    facts = EntryFacts(
        order=EntryOrder(symbol=row["symbol"], catalyst=catalyst, quantity=plan.quantity, limit_price=plan.limit_price),
        market=_market(table, event, k, price, ask),
        exposure=desk.exposure(now, con_id, item_id, catalyst, risk),
        account=AccountFacts(),
    )
    verdict = check_entry(facts, risk)
    net_bps, ends_at = float("nan"), None
    if verdict.accepted:
        net_bps = float(table.net_bps[exit_name][event, k])
        longest_s = exits.time_stop_s if held_s is None else float(held_s[event, k])
        ends_at = _end(now, longest_s if np.isfinite(net_bps) else exits.entry_timeout_s, desk.day, exits)
        desk.enter(now, con_id, item_id, catalyst, plan.quantity, plan.notional_usd, ends_at, net_bps)
    return {
        "item_id": item_id, "symbol": row["symbol"], "con_id": con_id, "day": row["day"], "at": now,
        "verdict": "accepted" if verdict.accepted else "refused", "reason": verdict.reason,
        "quantity": int(plan.quantity), "notional_usd": plan.notional_usd, "ends_at": ends_at or pd.NaT,
        "net_bps": net_bps, "net_usd": net_bps / 1e4 * plan.notional_usd,
    }  # fmt: skip


def _market(table: EventTable, event: int, k: int, price: float, ask: float) -> MarketFacts:
    """Sent at once, on data that were live and quoted; a band that the table does not know is none."""
    luld_dist = float(table.features["luld_dist"][event, k])
    return MarketFacts(
        signal_age_s=0.0, quote_age_s=0.0, reference_price=ask, bid=2 * price - ask, ask=ask, may_enter=True,
        stale=False, live=True, halted=False, since_halt_s=math.inf,
        luld_band=price * (1 + luld_dist) if np.isfinite(luld_dist) else float("inf"),
    )  # fmt: skip


def _end(now: datetime, longest_s: float, day: date, exits: ExitSettings) -> datetime:
    """When a position ends at the latest; an entry after the closing time ends by its time alone."""
    ends_at, session = now + timedelta(seconds=longest_s), session_on(day)
    flat_at = session.close - timedelta(seconds=exits.flat_before_close_s) if session else ends_at
    return min(ends_at, flat_at) if now < flat_at else ends_at
