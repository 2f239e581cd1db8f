"""The reading half of a kit: its session's record, from the journal while it grows, and what its engine says now."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from momentum_kit.config import Config
from momentum_kit.errors import EngineError, MomentumKitError
from momentum_kit.models import EngineStatus, PositionView
from momentum_kit.notebook.html import ShownStatus, ended_card, kit_card
from momentum_kit.notebook.record import RecordTables
from momentum_kit.runtime.control import ControlClient, EventStream, StreamEvent, ThresholdState, decode_status_text
from momentum_kit.runtime.engine import FINAL_STATUS
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.sessions import in_words

if TYPE_CHECKING:
    from momentum_kit.notebook.panel import Panel
    from momentum_kit.notebook.tables import SessionTable


class KitViews(RecordTables):
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
        from momentum_kit.notebook.live_view import last_verdict

        try:
            return kit_card(self.status(), last_verdict(self.journal))
        except MomentumKitError as error:
            return ended_card(str(error))

    def __repr__(self) -> str:
        status = self.status()
        return (
            f"<Kit {status.environment} {status.account}: {status.state} ({status.reason}), "
            f"market time {in_words(status.market_time, '%H:%M:%S')}, {len(status.positions)} positions, "
            f"engine pid {status.pid}>"
        )
