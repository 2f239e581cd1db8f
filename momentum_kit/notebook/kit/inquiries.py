"""The asking half of a kit: what an analyst wants of the broker, as tables and typed values.

Each goes to the engine, which asks over a connection of its own: nothing that is asked here can touch an order or a
decision. What has to listen (single ticks, bars, bulletins) does so for some wall seconds and then answers.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from momentum_kit.models import (
    AccountProfit,
    AccountValue,
    Bar,
    Bulletin,
    CostedExecution,
    GatewaySettings,
    MidpointTick,
    ModelPosition,
    OpenOrder,
    OrderPreview,
    PositionProfit,
    PrintTick,
    Quote,
    ScanRow,
    SessionHours,
    TouchTick,
    ValuedPosition,
)
from momentum_kit.notebook.kit.kit_views import KitViews
from momentum_kit.runtime.control import INQUIRY_S

if TYPE_CHECKING:
    from momentum_kit.notebook.tables import SessionTable

_TICKS = {"BidAsk": TouchTick, "BID_ASK": TouchTick, "MidPoint": MidpointTick, "MIDPOINT": MidpointTick}


class KitInquiries(KitViews):
    """Every question is awaited. BrokerError, InputError: one clear line each."""

    async def scan(self, code: str, *, filters: Mapping[str, str] | None = None, **limits: Any) -> "SessionTable":
        """IB's market scanner, best first: `await kit.scan("TOP_PERC_GAIN", above_price=2, above_volume=100_000)`.

        limits: rows (50 at most), above_price, below_price (USD), above_volume (shares), above_market_cap,
        below_market_cap (millions of USD), location, instrument. filters: IB's further ones by their own names.
        """
        rows = await self._inquire("scan", code=code, filters=dict(filters or {}), **limits)
        return self._tabled("scan", rows, ScanRow, caption=code)

    async def scan_codes(self) -> "SessionTable":
        """The codes that `scan` takes, with IB's names for them."""
        from momentum_kit.notebook.tables import scan_codes

        return scan_codes(await self._inquire("scanner_parameters"))

    async def tick_by_tick(
        self, symbol: str, kind: str = "Last", *, seconds: float = 10.0, count: int | None = None
    ) -> "SessionTable":
        """Every print (Last, AllLast) or touch (BidAsk, MidPoint) of the next seconds, by IB's time."""
        asked = {"symbol": symbol, "kind": kind, "seconds": seconds} | ({"count": count} if count else {})
        rows = await self._inquire("tick_by_tick", listening_s=seconds, **asked)
        return self._tabled("ticks", rows, _TICKS.get(kind, PrintTick), index="time", caption=f"{symbol}, {kind}")

    async def historical_ticks(
        self,
        symbol: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        count: int = 1000,
        what: str = "TRADES",
        use_rth: bool = False,
    ) -> "SessionTable":
        """Up to 1,000 ticks (TRADES, BID_ASK, MIDPOINT) from `start` on, or up to `end`, by IB's time."""
        asked: dict[str, Any] = {
            "symbol": symbol,
            "start": start,
            "end": end,
            "count": count,
            "what": what,
            "use_rth": use_rth,
        }
        rows = await self._inquire("historical_ticks", **asked)
        table = self._tabled("ticks", rows, _TICKS.get(what, PrintTick), index="time", caption=f"{symbol}, {what}")
        del table["received_at"]  # nobody received the past
        return table

    async def real_time_bars(
        self, symbol: str, what: str = "TRADES", *, seconds: float = 30.0, use_rth: bool = False
    ) -> "SessionTable":
        """The bars of 5 s that close in the next seconds, by bar start."""
        asked = {"symbol": symbol, "what": what, "seconds": seconds, "use_rth": use_rth}
        rows = await self._inquire("real_time_bars", listening_s=seconds, **asked)
        return self._tabled("history", rows, Bar, index="start", caption=f"{symbol}, 5 secs")

    async def head_timestamp(self, symbol: str, what: str = "TRADES", *, use_rth: bool = True) -> datetime:
        """When IB's history of a symbol begins, UTC."""
        at: datetime = await self._inquire("head_timestamp", symbol=symbol, what=what, use_rth=use_rth)
        return at

    async def schedule(
        self, symbol: str, duration: str = "5 D", *, end: datetime | None = None, use_rth: bool = True
    ) -> "SessionTable":
        """Trading sessions of a symbol, by day."""
        rows = await self._inquire("schedule", symbol=symbol, duration=duration, end=end, use_rth=use_rth)
        return self._tabled("schedule", rows, SessionHours, index="day", caption=f"{symbol}, {duration}")

    async def bulletins(self, *, seconds: float = 2.0) -> "SessionTable":
        """IB's bulletins of today and of the next seconds: exchanges that fail and come back."""
        rows = await self._inquire("bulletins", listening_s=seconds, seconds=seconds)
        return self._tabled("bulletins", rows, Bulletin)

    async def quote(self, symbol: str, *, delayed: bool = False) -> Quote:
        """Bid and ask now; delayed=True also takes data of 15 minutes ago, which `.data_type` says.

        Nothing that is asked here is traded on: an engine trades on live lines of its own.
        """
        found: Quote = await self._inquire("quote", symbol=symbol, delayed=delayed)
        return found

    async def what_if(self, symbol: str, action: str, quantity: float | Decimal, **terms: Any) -> OrderPreview:
        """Margin and commission of an order that is not placed: `await kit.what_if("AAPL", "BUY", 100)`.

        terms: limit_price, stop_price (USD), outside_rth, order_type where the prices do not tell it.
        """
        asked = {"symbol": symbol, "action": action, "quantity": str(quantity)} | terms
        preview: OrderPreview = await self._inquire("what_if", **asked)
        return preview

    async def gateway_settings(self) -> GatewaySettings:
        """The gateway's own API settings, from server version 219 on; None where it does not tell one."""
        found: GatewaySettings = await self._inquire("gateway_settings")
        return found

    async def profit(self) -> AccountProfit:
        """The account's profit and loss by IB's own reckoning, now; `equity` has the session's."""
        found: AccountProfit = await self._inquire("profit")
        return found

    async def position_profit(self, symbol: str) -> PositionProfit:
        """One holding's profit and loss by IB's own reckoning, now."""
        found: PositionProfit = await self._inquire("position_profit", symbol=symbol)
        return found

    async def account_values(self) -> "SessionTable":
        """Every value of the account, by tag and currency."""
        return self._tabled("account_values", await self._inquire("account_values"), AccountValue)

    async def valued_positions(self) -> "SessionTable":
        """All holdings of the account, the session's or not, at TWS's prices, which may be minutes old."""
        return self._tabled("valued_positions", await self._inquire("valued_positions"), ValuedPosition)

    async def positions_by_account(self, account: str = "", model: str = "") -> "SessionTable":
        """The holdings of one account of this login, and of one of its models; the session's if none is named."""
        rows = await self._inquire("positions_by_account", account=account, model=model)
        return self._tabled("positions_by_account", rows, ModelPosition)

    async def all_open_orders(self) -> "SessionTable":
        """The open orders of every client and of TWS; `orders` has what the session sent."""
        return self._tabled("all_open_orders", await self._inquire("all_open_orders"), OpenOrder)

    async def executions(self, days: int = 1) -> "SessionTable":
        """Executions of the account today, or of so many days, with their costs where IB tells them."""
        return self._tabled("executions", await self._inquire("executions", days=days), CostedExecution)

    async def _inquire(self, name: str, *, listening_s: float = 0.0, **arguments: Any) -> Any:
        return await asyncio.to_thread(self._client.inquire, name, arguments, INQUIRY_S + listening_s)

    def _tabled(self, name: str, rows: Any, kind: type, *, index: str = "", caption: str = "") -> "SessionTable":
        from momentum_kit.notebook.tables import inquiry_table

        return inquiry_table(name, rows, kind, index=index, caption=caption)
