"""PlainInquiries: everything that a kit can ask, once more for plain code; the twins of inquiries.py."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from momentum_kit.models import AccountProfit, GatewaySettings, OrderPreview, PositionProfit, Quote
from momentum_kit.notebook.kit.awaitable_kit import AwaitableKit
from momentum_kit.notebook.kit.waiting import wait_here

if TYPE_CHECKING:
    from momentum_kit.notebook.tables import SessionTable


class PlainInquiries(AwaitableKit):
    """`<name>_sync` of every inquiry."""

    def scan_sync(self, code: str, **limits: Any) -> "SessionTable":
        """Plain twin of `scan`."""
        return wait_here(self.scan(code, **limits))

    def scan_codes_sync(self) -> "SessionTable":
        """Plain twin of `scan_codes`."""
        return wait_here(self.scan_codes())

    def tick_by_tick_sync(self, symbol: str, kind: str = "Last", **terms: Any) -> "SessionTable":
        """Plain twin of `tick_by_tick`."""
        return wait_here(self.tick_by_tick(symbol, kind, **terms))

    def historical_ticks_sync(self, symbol: str, **terms: Any) -> "SessionTable":
        """Plain twin of `historical_ticks`."""
        return wait_here(self.historical_ticks(symbol, **terms))

    def real_time_bars_sync(self, symbol: str, what: str = "TRADES", **terms: Any) -> "SessionTable":
        """Plain twin of `real_time_bars`."""
        return wait_here(self.real_time_bars(symbol, what, **terms))

    def head_timestamp_sync(self, symbol: str, what: str = "TRADES", *, use_rth: bool = True) -> datetime:
        """Plain twin of `head_timestamp`."""
        return wait_here(self.head_timestamp(symbol, what, use_rth=use_rth))

    def schedule_sync(self, symbol: str, duration: str = "5 D", **terms: Any) -> "SessionTable":
        """Plain twin of `schedule`."""
        return wait_here(self.schedule(symbol, duration, **terms))

    def bulletins_sync(self, *, seconds: float = 2.0) -> "SessionTable":
        """Plain twin of `bulletins`."""
        return wait_here(self.bulletins(seconds=seconds))

    def quote_sync(self, symbol: str, *, delayed: bool = False) -> Quote:
        """Plain twin of `quote`."""
        return wait_here(self.quote(symbol, delayed=delayed))

    def what_if_sync(self, symbol: str, action: str, quantity: float | Decimal, **terms: Any) -> OrderPreview:
        """Plain twin of `what_if`."""
        return wait_here(self.what_if(symbol, action, quantity, **terms))

    def gateway_settings_sync(self) -> GatewaySettings:
        """Plain twin of `gateway_settings`."""
        return wait_here(self.gateway_settings())

    def profit_sync(self) -> AccountProfit:
        """Plain twin of `profit`."""
        return wait_here(self.profit())

    def position_profit_sync(self, symbol: str) -> PositionProfit:
        """Plain twin of `position_profit`."""
        return wait_here(self.position_profit(symbol))

    def account_values_sync(self) -> "SessionTable":
        """Plain twin of `account_values`."""
        return wait_here(self.account_values())

    def valued_positions_sync(self) -> "SessionTable":
        """Plain twin of `valued_positions`."""
        return wait_here(self.valued_positions())

    def positions_by_account_sync(self, account: str = "", model: str = "") -> "SessionTable":
        """Plain twin of `positions_by_account`."""
        return wait_here(self.positions_by_account(account, model))

    def all_open_orders_sync(self) -> "SessionTable":
        """Plain twin of `all_open_orders`."""
        return wait_here(self.all_open_orders())

    def executions_sync(self, days: int = 1) -> "SessionTable":
        """Plain twin of `executions`."""
        return wait_here(self.executions(days))
