"""BackgroundLoader: fetches what a judgement needs to know first: baseline, today's minutes, the last half hour."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from momentum_kit.config import DetectionSettings
from momentum_kit.detection.live import Baseline, build_baseline, within
from momentum_kit.errors import BrokerError, NoData
from momentum_kit.models import Bar, Contract
from momentum_kit.ports import MarketData
from momentum_kit.services.context import SessionContext
from momentum_kit.sessions import TradingSession, exchange_day, previous_sessions, session_at

RECENT = "1800 S"  # the longest duration IB serves for 5 s bars in one request without a second look at its limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """As of asked_at. recent: 5 s bars, extended hours too; complete: False if the broker failed to answer."""

    asked_at: datetime
    session: TradingSession | None
    baseline: Baseline | None
    minutes: tuple[Bar, ...]
    recent: tuple[Bar, ...]
    complete: bool


class BackgroundLoader:
    """Asks the broker for history, and for the baseline only once a day and contract."""

    def __init__(self, context: SessionContext, *, market: MarketData, settings: DetectionSettings) -> None:
        self._context = context
        self._market = market
        self._settings = settings
        self._baselines: dict[tuple[int, object], Baseline | None] = {}

    async def load(self, contract: Contract, asked_at: datetime) -> Background:
        """Everything about a contract as of now; what the broker fails to give is missing and journaled."""
        minutes, recent = await asyncio.gather(
            self._minutes(contract, asked_at), self._fetch(contract, RECENT, "5 secs", use_rth=False)
        )
        return Background(
            asked_at=asked_at,
            session=session_at(asked_at, self._context.calendar),
            baseline=self._baselines.get((contract.con_id, exchange_day(asked_at))),
            minutes=minutes or (),
            recent=recent or (),
            complete=minutes is not None and recent is not None,
        )

    async def warm(self, contract: Contract, at: datetime) -> None:
        """Fetch the baseline ahead, so that a headline need not wait for it."""
        await self._minutes(contract, at)

    async def _minutes(self, contract: Contract, at: datetime) -> tuple[Bar, ...] | None:
        """Today's minutes; on the first call of a day the earlier sessions come along and become the baseline."""
        key = (contract.con_id, exchange_day(at))
        days = 1 if key in self._baselines else self._settings.baseline_sessions + 1
        bars = await self._fetch(contract, f"{days} D", "1 min", use_rth=True)
        if bars is None:
            return None
        session = session_at(at, self._context.calendar)
        if key not in self._baselines:
            earlier = previous_sessions(exchange_day(at), self._settings.baseline_sessions, self._context.calendar)
            self._baselines[key] = build_baseline(bars, earlier, session.open if session else at)
        return tuple(within(bars, session)) if session else ()

    async def _fetch(self, contract: Contract, duration: str, size: str, *, use_rth: bool) -> tuple[Bar, ...] | None:
        """Bars up to now; () where the broker honestly has none, None where it failed."""
        try:
            return await self._market.fetch_historical_data(contract, None, duration, size, "TRADES", use_rth)
        except NoData:
            return ()
        except BrokerError as error:
            self._context.incident("history", f"{contract}: {duration} of {size}: {error}")
            return None
