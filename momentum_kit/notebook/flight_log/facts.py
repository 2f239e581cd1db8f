"""What a flight log is written from: the run folder's files and the configuration, read once."""

import hashlib
import platform
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from momentum_kit.config import Config, load_config
from momentum_kit.models import EngineStatus
from momentum_kit.pages import clock
from momentum_kit.runtime.control import decode_status_text
from momentum_kit.runtime.engine import FINAL_STATUS
from momentum_kit.runtime.production import KernelDeath, read_deaths
from momentum_kit.sessions import TradingSession, exchange_day, session_on
from momentum_kit.storage.journal import query, read, summarise


@dataclass(frozen=True)
class RunFacts:
    """One run. until: the end that was asked for."""

    run_dir: Path
    config_file: Path
    until: str = ""

    @property
    def journal(self) -> Path:
        """The session's record."""
        return self.run_dir / "journal.db"

    @cached_property
    def config(self) -> Config:
        """The configuration's file as it is now; its address may have been overridden."""
        return load_config(self.config_file)

    @cached_property
    def status(self) -> EngineStatus | None:
        """The engine's last word; None if it could not say one."""
        file = self.run_dir / FINAL_STATUS
        return decode_status_text(file.read_text(encoding="utf-8")) if file.is_file() else None

    @cached_property
    def deaths(self) -> tuple[KernelDeath, ...]:
        """Kernels of this run that died."""
        return read_deaths(self.run_dir)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The journal in numbers."""
        return summarise(self.journal)

    @cached_property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last market time on record; None where the session never ran."""
        ((first, last),) = query(self.journal, "SELECT min(at), max(at) FROM equity")
        return (datetime.fromisoformat(first), datetime.fromisoformat(last)) if first else None

    @property
    def day(self) -> date:
        """The exchange day of the session."""
        if self.span:
            return exchange_day(self.span[0])
        return exchange_day(self.status.market_time) if self.status else self._written_on

    @property
    def _written_on(self) -> date:
        return exchange_day(datetime.fromtimestamp(self.journal.stat().st_mtime, UTC))

    @property
    def share_of_session(self) -> float:
        """Regular hours that it ran, in whole sessions."""
        session = self._session
        if session is None or self.span is None:
            return 0.0
        ran = min(self.span[1], session.close) - max(self.span[0], session.open)
        return max(0.0, ran / (session.close - session.open))

    @property
    def _session(self) -> TradingSession | None:
        return session_on(self.day, self.config.calendar)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """A whole table of the journal, values as stored."""
        names, rows = read(self.journal, f'SELECT * FROM "{table}" ORDER BY id')
        return [dict(zip(names, row, strict=True)) for row in rows]

    def configured(self) -> list[tuple[str, str, str]]:
        """What was configured: name, value, note."""
        config, status, risk = self.config, self.status, self.config.risk
        stamp = dict(query(self.journal, "SELECT key, value FROM meta ORDER BY id")).get("thresholds", "unknown")
        export = config.thresholds.export
        changed = "; CHANGED during the session" if status and status.thresholds_changed else ""
        promised = "not exported by research: nothing was promised of them"
        if export:
            promised = f"verdict {export.verdict}, {export.trials} trials, {export.first_day} to {export.last_day}"
        digest = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]
        server = f", server version {status.health.server_version}" if status else ""
        start, end = map(clock, self.span) if self.span else ("never", "never")
        return [
            ("account", f"{status.account if status else config.broker.account or 'unknown'}", config.environment),
            ("gateway", f"{config.broker.host}, client {config.broker.client_id}{server}", ""),
            ("config", str(self.config_file), f"sha256 {digest} of the effective settings as they are now"),
            ("thresholds", f"{stamp}{changed}", promised),
            ("hash in force", status.thresholds_hash if status else "unknown", "of the set that decided last"),
            ("end asked for", self.until or "none", ""),
            ("ran", f"{start} to {end}", f"market time; {self.share_of_session:.2f} of a session's regular hours"),
            (
                "limits",
                f"R {risk.risk_per_order_usd:g} USD, order {risk.max_order_notional_usd:g} USD",
                f"{risk.max_positions} positions, day's loss {risk.max_daily_loss_usd:g} USD",
            ),
            ("machine", f"Python {platform.python_version()}", platform.platform(terse=True)),
        ]
