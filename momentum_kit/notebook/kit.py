"""Kit: the one object of a notebook. It starts or attaches to the engine process and shows what it does."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict, fields
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from momentum_kit.config import Config, find_project, load_config
from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError
from momentum_kit.models import EngineStatus, PositionView, TradingState
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.engine_process import FINAL_STATUS, new_run_dir, serve, start_engine
from momentum_kit.runtime.messages import decode_status_text
from momentum_kit.runtime.state_folder import StateFolder
from momentum_kit.runtime.until import parse_until
from momentum_kit.storage.summary import summarise

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

T = TypeVar("T")
POLL_S = 0.2  # an interrupt reaches an awaiting cell only when its loop wakes (ipykernel#881)


def wait_here(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from plain code; inside a running loop (a notebook) other tasks go on meanwhile."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    return loop.run_until_complete(coroutine)


def _serve_in_thread(config: Config, name: str, project: Path, run_dir: Path) -> None:
    """Host the engine on a loop and thread of this process; returns once it listens, or raises its error."""
    if config.needs_arming:
        raise GuardRefused("an engine that trades live runs in its own process; leave in_process off")
    folder, outcome = StateFolder(config.owner_key), list[BaseException]()

    def host() -> None:
        try:
            asyncio.run(serve(config, name, project, run_dir, signals=False))
        except MomentumKitError as error:
            outcome.append(error)

    thread = threading.Thread(target=host, name="engine", daemon=True)
    thread.start()
    while not folder.address():
        thread.join(0.02)
        if not thread.is_alive():
            raise outcome[0] if outcome else EngineError("the engine thread ended before it listened")


class Kit:
    """A live session in your hands. Every method that waits has a plain twin, `<name>_sync`."""

    def __init__(self, config: Config, client: ControlClient, started_here: bool) -> None:
        self.config = config
        self.run_dir = Path(client.address.run_dir)
        self.started_here = started_here
        self._client = client

    @classmethod
    async def open(
        cls,
        config: str | Path,
        *,
        host: str | None = None,
        port: int | None = None,
        run_dir: str | Path | None = None,
        in_process: bool = False,
    ) -> Self:
        """Attach to the engine that owns the account, or start one; nothing trades before `start`.

        host, port override the file's. in_process hosts the engine on a thread of this process, for simulation,
        replay and tests; live refuses it. Raises ConfigError, GuardRefused, EngineError: one clear line each.
        """
        overrides = {key: value for key, value in (("broker.host", host), ("broker.port", port)) if value}
        settings = load_config(config, overrides)
        folder = StateFolder(settings.owner_key)
        address = folder.address()
        if address:
            return cls(settings, ControlClient(address), started_here=False)
        project = find_project(Path(config).parent)
        out = Path(run_dir) if run_dir else new_run_dir(settings, project)
        if in_process:
            await asyncio.to_thread(_serve_in_thread, settings, str(config), project, out)
            address = folder.address()
            assert address
        else:
            address = (await asyncio.to_thread(start_engine, config, overrides, out)).address
        return cls(settings, ControlClient(address), started_here=True)

    # -- commands ----------------------------------------------------------------------------------------------------

    async def start(self, until: str = "") -> EngineStatus:
        """Reconcile with the broker and trade until `until` ('15:55', 'close-5m', '90m'; empty: until told)."""
        end = parse_until(until, self.status().market_time, self.config.calendar)
        await asyncio.to_thread(self._client.start, end)
        return self.status()

    async def pause(self) -> str:
        """No new entries; positions keep their exits."""
        return await self._command("pause")

    async def resume(self) -> str:
        """Entries again."""
        return await self._command("resume")

    async def reduce_only(self) -> str:
        """No new entries until a human resumes."""
        return await self._command("reduce_only")

    async def flatten(self) -> str:
        """Cancel entries and close every position; entries stay off."""
        return await self._command("flatten")

    async def kill(self) -> str:
        """Flatten, end, and latch: nothing trades this account again until a human clears it."""
        return await self._command("kill")

    async def stop(self) -> EngineStatus:
        """Flatten, end the session and its engine; the final status."""
        if self.running:
            with suppress(GuardRefused, EngineError):  # already on its way out, which is what was asked for
                await self._command("stop")
        return await self.wait()

    async def wait(self) -> EngineStatus:
        """Return the final status when the session has ended; an interrupt ends the waiting, not the session."""
        while self.running:  # noqa: ASYNC110  (the engine is another process)
            await asyncio.sleep(POLL_S)
        return self.status()

    # -- views -------------------------------------------------------------------------------------------------------

    def status(self) -> EngineStatus:
        """One frozen snapshot; after the end the last one that the engine wrote."""
        try:
            return self._client.status()
        except EngineError:
            final = self.run_dir / FINAL_STATUS
            if not final.is_file():
                raise
            return decode_status_text(final.read_text(encoding="utf-8"))

    @property
    def running(self) -> bool:
        """True while the engine process serves the session."""
        try:
            return self._client.status().state is not TradingState.STOPPED
        except EngineError:
            return False

    @property
    def journal(self) -> Path:
        """The session's record: SQLite, open it read-only."""
        return self.run_dir / "journal.db"

    def summary(self) -> dict[str, Any]:
        """Counts, skips by reason, profit after costs and latency so far."""
        return summarise(self.journal)

    def report(self) -> "pd.DataFrame":
        """The summary as a table to read: one line a number, skips by reason."""
        import pandas as pd

        summary = self.summary()
        latency = summary["latency_ms"]
        rows: dict[str, object] = {name: summary[name] for name in ("headlines", "signals", "entries", "fills")}
        rows |= {f"skipped: {reason}": count for reason, count in summary["skips"].items()}
        rows |= {name: f"{summary[name]:+,.2f}" for name in ("gross_pnl_usd", "net_pnl_usd")}
        rows["costs_usd"] = f"{summary['costs_usd']:,.2f}"
        if latency["n"]:
            rows |= {f"latency_{name}_ms": f"{latency[name]:.2f}" for name in ("p50", "p99")}
        return pd.DataFrame({"": rows})

    def headlines(self) -> "pd.DataFrame":
        """Every headline received, with what became of it."""
        return self._table("headlines")

    def decisions(self) -> "pd.DataFrame":
        """Every decision with its features and rules."""
        return self._table("decisions")

    def orders(self) -> "pd.DataFrame":
        """Every order sent, modified or cancelled."""
        return self._table("orders")

    def fills(self) -> "pd.DataFrame":
        """Executions with their costs and slippage."""
        return self._table("fills")

    def positions(self) -> "pd.DataFrame":
        """Open positions, now."""
        import pandas as pd

        columns = [field.name for field in fields(PositionView)]
        return pd.DataFrame([asdict(view) for view in self.status().positions], columns=columns)

    def round_trips(self) -> "pd.DataFrame":
        """Every position from entry to exit, with its reason, costs and R."""
        return self._table("round_trips")

    def equity(self) -> "pd.DataFrame":
        """Realised and open profit over time, USD."""
        return self._table("equity")

    def timeline(self, out: str | Path | None = None) -> "Figure":
        """Price, headlines, decisions, fills and profit on one time axis."""
        from momentum_kit.notebook.timeline import plot_timeline

        return plot_timeline(self.journal, Path(out) if out else None)

    async def history(self, symbol: str, duration: str, bar_size: str) -> "pd.DataFrame":
        """Bars from the broker, UTC index by bar start: `await kit.history("AAPL", "2 D", "1 min")`."""
        import pandas as pd

        bars = await asyncio.to_thread(self._client.history, symbol, duration, bar_size)
        columns = ("open", "high", "low", "close", "volume", "wap", "count")
        index = pd.DatetimeIndex([bar.start for bar in bars], name="start", tz=UTC)
        return pd.DataFrame({name: [getattr(bar, name) for bar in bars] for name in columns}, index=index)

    def __repr__(self) -> str:
        status = self.status()
        return (
            f"<Kit {status.environment} {status.account}: {status.state} ({status.reason}), "
            f"market time {status.market_time:%H:%M:%S} UTC, {len(status.positions)} positions, "
            f"engine pid {status.pid}>"
        )

    def _table(self, name: str) -> "pd.DataFrame":
        from momentum_kit.notebook import tables

        frame: pd.DataFrame = getattr(tables, name)(self.journal)
        return frame

    async def _command(self, name: str) -> str:
        return await asyncio.to_thread(self._client.command, name, "kit")

    # -- plain twins -------------------------------------------------------------------------------------------------

    @classmethod
    def open_sync(cls, config: str | Path, **arguments: Any) -> Self:
        """Plain twin of `open`; use it as a context manager to stop at the end."""
        return wait_here(cls.open(config, **arguments))

    def start_sync(self, until: str = "") -> EngineStatus:
        """Plain twin of `start`."""
        return wait_here(self.start(until))

    def pause_sync(self) -> str:
        """Plain twin of `pause`."""
        return wait_here(self.pause())

    def resume_sync(self) -> str:
        """Plain twin of `resume`."""
        return wait_here(self.resume())

    def reduce_only_sync(self) -> str:
        """Plain twin of `reduce_only`."""
        return wait_here(self.reduce_only())

    def flatten_sync(self) -> str:
        """Plain twin of `flatten`."""
        return wait_here(self.flatten())

    def kill_sync(self) -> str:
        """Plain twin of `kill`."""
        return wait_here(self.kill())

    def stop_sync(self) -> EngineStatus:
        """Plain twin of `stop`."""
        return wait_here(self.stop())

    def wait_sync(self) -> EngineStatus:
        """Plain twin of `wait`."""
        return wait_here(self.wait())

    def history_sync(self, symbol: str, duration: str, bar_size: str) -> "pd.DataFrame":
        """Plain twin of `history`."""
        return wait_here(self.history(symbol, duration, bar_size))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.started_here:
            self.stop_sync()
