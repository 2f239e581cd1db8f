"""The tables and pictures of one session, read from its journal, also while it grows; what a kit and a run share."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.notebook.record.session_log import SessionLog
from momentum_kit.storage.journal import readable, summarise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from momentum_kit.notebook.tables import SessionTable


class RecordTables:
    """What happened so far, in run_dir/journal.db; times are aware UTC, shown in New York's."""

    run_dir: Path

    @property
    def journal(self) -> Path:
        """The session's record: SQLite, open it read-only."""
        return self.run_dir / "journal.db"

    def summary(self) -> dict[str, Any]:
        """Counts, skips by reason, profit after costs and latency so far."""
        with readable(self.journal):
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

    def incidents(self) -> "SessionTable":
        """Everything out of the ordinary."""
        return self._table("incidents")

    def why(self, symbol: str) -> str:
        """What became of a symbol and why, from its headlines to its exit, in words."""
        return SessionLog(self.journal).why(symbol)

    def timeline(self, out: str | Path | None = None) -> "Figure":
        """Price, headlines, decisions, fills and profit on one time axis."""
        from momentum_kit.notebook.timeline import plot_timeline

        return plot_timeline(self.journal, Path(out) if out else None)

    def _table(self, name: str) -> "SessionTable":
        from momentum_kit.notebook import tables  # pandas is slow to load
        from momentum_kit.notebook.tables import SessionTable

        with readable(self.journal):
            return SessionTable.of(name, getattr(tables, name)(self.journal))
