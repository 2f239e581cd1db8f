"""A status as an operator reads it on a terminal."""

import math
from datetime import UTC, datetime, timedelta

from momentum_kit.models import ConnectionHealth, EngineStatus, ExitWait, LinkState, PositionView, TradingState
from momentum_kit.notebook.record import status_words

NOW = datetime(2026, 7, 6, 17, 30, tzinfo=UTC)


def position(symbol: str, **more: object) -> PositionView:
    """125 shares, bought at 9.43."""
    known = {"con_id": 1, "quantity": 125.0, "average_price": 9.43, "last_price": 9.9, "unrealised_usd": 58.75,
             "stop_price": 8.66, "r": 0.61, "opened_at": NOW - timedelta(minutes=7)}  # fmt: skip
    return PositionView(symbol=symbol, **(known | more))  # type: ignore[arg-type]


def status(**more: object) -> EngineStatus:
    """A paper session in the middle of its day."""
    known = {
        "state": TradingState.RUNNING, "reason": "started", "environment": "paper", "account": "DU1",
        "market_time": NOW, "started_at": NOW, "state_since": NOW - timedelta(minutes=95), "message_age_s": 0.4,
        "health": ConnectionHealth(socket=LinkState.UP, broker=LinkState.DEGRADED), "counts": {}, "skips": {},
        "queues": {}, "positions": (), "realised_usd": 0.0, "unrealised_usd": 0.0, "costs_usd": 0.0,
        "run_dir": "runs/x", "pid": 7,
    }  # fmt: skip
    return EngineStatus(**(known | more))  # type: ignore[arg-type]


def test_it_names_what_is_held_with_its_stop_its_risk_and_its_age() -> None:
    """Not `1 positions`: which, and whether it is protected."""
    held = (position("PLVX"), position("QQZ", stop_price=math.nan, r=math.nan, opened_at=None))
    lines = status_words(status(positions=held, unrealised_usd=117.5)).splitlines()
    assert lines[-2].split() == ["PLVX", "125", "9.43", "9.90", "8.66", "+58.75", "+0.61", "7", "min"]
    assert "NO STOP" in lines[-1]
    assert "since before" in lines[-1]
    assert "+117.50 USD net" in lines[3]


def test_it_tells_the_time_left_in_new_york_and_what_a_flatten_waits_for() -> None:
    """An operator's two questions: how long still, and why not yet."""
    waits = (ExitWait(symbol="PLVX", why="a halt", seconds=130),)
    told = status_words(status(until=NOW + timedelta(minutes=100), waits=waits))
    assert "market time 2026-07-06 13:30:00 EDT; so for 95 min; ends 15:10 EDT, 100 min left" in told
    assert "waits: PLVX: a halt, for 130 s" in told
    assert "broker degraded" in told
    assert "nothing is held" in told


def test_an_end_that_has_passed_is_said_to_have_passed() -> None:
    """A flatten may go on after it."""
    assert "which has passed" in status_words(status(until=NOW - timedelta(minutes=1)))
