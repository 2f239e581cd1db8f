"""The reading half of a kit: its session's record, from the journal while it grows, and what its engine says now."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.config import Config
from momentum_kit.errors import EngineError, MomentumKitError
from momentum_kit.models import EngineStatus, PositionView
from momentum_kit.notebook.html import ShownStatus, ended_card, kit_card
from momentum_kit.runtime.control import ControlClient, EventStream, StreamEvent, ThresholdState, decode_status_text
from momentum_kit.runtime.engine import FINAL_STATUS
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.storage.journal import summarise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from momentum_kit.notebook.panel import Panel
    from momentum_kit.notebook.tables import SessionTable


class KitTables:
    """What happened so far, in run_dir/journal.db; times are UTC."""

    run_dir: Path

    @property
    def journal(self) -> Path:
        """The session's record: SQLite, open it read-only."""
        return self.run_dir / "journal.db"

    def summary(self) -> dict[str, Any]:
        """Counts, skips by reason, profit after costs and latency so far."""
        return summarise(self.journal)

    def report(self) -> "SessionTable":
        """The summary as a table to read: one line a number, skips by reason."""
        import pandas as pd

        from momentum_kit.notebook.tables import SessionTable

        summary = self.summary()
        latency = summary["latency_ms"]
        rows: dict[str, object] = {name: summary[name] for name in ("headlines", "signals", "entries", "fills")}
        rows |= {f"skipped: {reason}": count for reason, count in summary["skips"].items()}
        rows |= {name: f"{summary[name]:+,.2f}" for name in ("gross_pnl_usd", "net_pnl_usd")}
        rows["costs_usd"] = f"{summary['costs_usd']:,.2f}"
        if latency["n"]:
            rows |= {f"latency_{name}_ms": f"{latency[name]:.2f}" for name in ("p50", "p99")}
        return SessionTable.of("report", pd.DataFrame({"": rows}))

    def headlines(self) -> "SessionTable":
        """Every headline received, with what became of it."""
        return self._table("headlines")

    def decisions(self) -> "SessionTable":
        """Every decision with its features and rules."""
        return self._table("decisions")

    def orders(self) -> "SessionTable":
        """Every order sent, modified or cancelled."""
        return self._table("orders")

    def fills(self) -> "SessionTable":
        """Executions with their costs and slippage."""
        return self._table("fills")

    def round_trips(self) -> "SessionTable":
        """Every position from entry to exit, with its reason, costs and R."""
        return self._table("round_trips")

    def equity(self) -> "SessionTable":
        """Realised and open profit over time, USD."""
        return self._table("equity")

    def timeline(self, out: str | Path | None = None) -> "Figure":
        """Price, headlines, decisions, fills and profit on one time axis."""
        from momentum_kit.notebook.timeline import plot_timeline

        return plot_timeline(self.journal, Path(out) if out else None)

    def _table(self, name: str) -> "SessionTable":
        from momentum_kit.notebook import tables  # pandas is slow to load
        from momentum_kit.notebook.tables import SessionTable

        return SessionTable.of(name, getattr(tables, name)(self.journal))


class KitViews(KitTables):
    """A session by its control endpoint and its journal. The engine is another process and outlives this object."""

    def __init__(self, config: Config, client: ControlClient, started_here: bool) -> None:
        self.config = config
        self.run_dir = Path(client.address.run_dir)
        self.started_here = started_here
        self._client = client
        self._folder = StateFolder.of(config)

    def status(self) -> ShownStatus:
        """One frozen snapshot, which shows itself in a cell; after the end the last one that the engine wrote."""
        return ShownStatus.of(self._status())

    def _status(self) -> EngineStatus:
        try:
            return self._client.status()
        except EngineError:
            final = self.run_dir / FINAL_STATUS
            if final.is_file():
                return decode_status_text(final.read_text(encoding="utf-8"))
            if self._owned_by_ours():
                raise
            raise EngineError(
                f"the engine (pid {self._client.address.pid}) ended without a last word; what it held keeps its stops "
                "at the broker: open the kit again to take everything over"
            ) from None

    def thresholds(self) -> ThresholdState:
        """The set in force and the tuned file's: `.current`, `.file`, `.changes`, `.hash`."""
        return self._client.thresholds()

    def events(self, deliver: Callable[[StreamEvent], None]) -> EventStream:
        """Everything that happens, delivered on a thread of its own from `start()` to `close()`, over reconnects."""
        return EventStream(self._folder, deliver)

    @property
    def running(self) -> bool:
        """True until the engine has ended, cleaned up and given the account free."""
        return self._runs()

    def _runs(self) -> bool:
        try:
            self._client.status()
        except EngineError:
            return self._owned_by_ours()
        return True

    def _owned_by_ours(self) -> bool:
        """Without an answer: it is on its way out, or hangs; unless the account is free or another engine's."""
        return self._folder.owned and self._folder.address() in (None, self._client.address)

    def positions(self) -> "SessionTable":
        """Open positions, now."""
        import pandas as pd

        from momentum_kit.notebook.tables import SessionTable

        types = {"symbol": "str", "con_id": "int64", "opened_at": "datetime64[us, UTC]"}
        columns = {field.name: types.get(field.name, "float64") for field in fields(PositionView)}
        rows = [asdict(view) for view in self.status().positions]
        return SessionTable.of("positions", pd.DataFrame(rows, columns=list(columns)).astype(columns))

    async def history(self, symbol: str, duration: str, bar_size: str) -> "SessionTable":
        """Bars from the broker, UTC index by bar start: `await kit.history("AAPL", "2 D", "1 min")`."""
        import pandas as pd

        from momentum_kit.notebook.tables import SessionTable

        bars = await asyncio.to_thread(self._client.history, symbol, duration, bar_size)
        columns = ("open", "high", "low", "close", "volume", "wap", "count")
        index = pd.DatetimeIndex([bar.start for bar in bars], name="start", tz=UTC)
        frame = pd.DataFrame({name: [getattr(bar, name) for bar in bars] for name in columns}, index=index)
        return SessionTable.of("history", frame, caption=f"{symbol}, {bar_size}")

    def panel(self) -> "Panel":
        """The live-control panel of this account, one a kernel; it follows whichever engine runs."""
        from momentum_kit.notebook.panel import open_panel

        return open_panel(self.config)

    def _repr_html_(self) -> str:
        """Banner, lights, holdings and the last verdict, rule by rule."""
        from momentum_kit.notebook.panel import last_verdict

        try:
            return kit_card(self.status(), last_verdict(self.journal))
        except MomentumKitError as error:
            return ended_card(str(error))

    def __repr__(self) -> str:
        status = self.status()
        return (
            f"<Kit {status.environment} {status.account}: {status.state} ({status.reason}), "
            f"market time {status.market_time:%H:%M:%S} UTC, {len(status.positions)} positions, "
            f"engine pid {status.pid}>"
        )
