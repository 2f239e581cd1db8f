"""The tape source of a generated market: every day of every contract, made when first asked for."""

from datetime import date
from typing import Any

from momentum_kit.sessions import previous_sessions
from momentum_kit.simgateway.events import NewsEvent
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.market.generator import generate_tape
from momentum_kit.simgateway.market.intrabar_path import tape_of_minutes
from momentum_kit.simgateway.market.intraday_activity import day_minutes
from momentum_kit.simgateway.market.past_sessions import closes, generate_minutes, quote_minutes
from momentum_kit.simgateway.market.plan import make_plan
from momentum_kit.simgateway.market.tape import BarSeries, DayTape, Floats
from momentum_kit.simgateway.market.universe import companies, random_stream
from momentum_kit.simgateway.scenario import Scenario


class GeneratedSource:
    """A TapeSource whose every answer depends on the seed and the question alone, never on what was asked before."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.companies = companies(scenario)
        self.instruments: dict[int, Instrument] = {key: x.instrument for key, x in self.companies.items()}
        self.earlier_days: tuple[date, ...] = tuple(
            session.day for session in previous_sessions(scenario.day, scenario.history_sessions)
        )
        plan = make_plan(scenario, self.companies, self.earlier_days)
        self.headlines: tuple[NewsEvent, ...] = tuple(plan.headlines)
        self.truth: dict[str, list[dict[str, Any]]] = plan.truth
        self._moves = plan.moves
        self._tapes: dict[tuple[int, date], DayTape] = {}
        self._closes: dict[int, Floats] = {}

    def tape(self, con_id: int, day: date) -> DayTape | None:
        """The whole tape of the served day, or one walked through the minute bars of an earlier day."""
        if con_id not in self.companies:
            return None
        if (con_id, day) not in self._tapes:
            made = self._served(con_id) if day == self.scenario.day else self._earlier(con_id, day)
            if made is None:
                return None
            self._tapes[con_id, day] = made
        return self._tapes[con_id, day]

    def _served(self, con_id: int) -> DayTape:
        return generate_tape(self.scenario, self.companies[con_id], self._moves.get(con_id, ()))

    def _earlier(self, con_id: int, day: date) -> DayTape | None:
        trades, bids, asks = (self.minutes(con_id, day, what) for what in ("TRADES", "BID", "ASK"))
        if trades is None or bids is None or asks is None:
            return None
        company = self.companies[con_id]
        rng = random_stream(self.scenario.seed, company.instrument.symbol, "walk", day.isoformat())
        return tape_of_minutes(con_id, trades, bids, asks, company.tick, rng)

    def minutes(self, con_id: int, day: date, what: str) -> BarSeries | None:
        """Minute bars (TRADES, BID or ASK) of an earlier day."""
        if day not in self.earlier_days or con_id not in self.companies:
            return None
        company = self.companies[con_id]
        if con_id not in self._closes:
            self._closes[con_id] = closes(self.scenario.seed, company, len(self.earlier_days))
        path = self._closes[con_id]
        row = self.earlier_days.index(day)
        trades = generate_minutes(self.scenario.seed, company, day, float(path[row]), float(path[row + 1]))
        if what == "TRADES":
            return trades
        side = -1 if what == "BID" else 1
        return quote_minutes(trades, day_minutes(day), company.spread_bps / 2e4, company.tick, side)
