import math
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from momentum_kit.config import ExitSettings, RiskSettings, Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable
from momentum_kit.research.events.table import FEATURES, event_frame
from momentum_kit.research.sweep import simulate_risk_gate

LOOSE = Thresholds(
    min_ret_60s=-0.9, min_ret_news=-1, min_z_tod=-99, min_rvol_bar=-1, min_rvol_cum=-1, max_extension=9,
    min_dollar_volume_60s_usd=-1, min_trades_60s=-1, max_spread_bps=9_999, max_spread_share=99, min_clv=-1,
)  # fmt: skip
RISK, EXITS = RiskSettings(), ExitSettings()
START = pd.Timestamp("2026-03-02 15:00", tz="UTC")  # ten in New York


def signals(rows, price=5.0):
    """A table in which every event signals at once: rows of (seconds after START, con_id, net bps)."""
    at = pd.DatetimeIndex([START + timedelta(seconds=seconds) for seconds, _, _ in rows])
    count = len(rows)
    events = event_frame(
        {"item_id": [f"i{i}" for i in range(count)], "story_id": "s", "symbol": [f"S{c}" for _, c, _ in rows],
         "con_id": [c for _, c, _ in rows], "day": at.tz_convert("America/New_York").tz_localize(None).normalize(),
         "provider": "P", "catalyst": "other", "session": "regular", "published_at": at, "received_at": at,
         "imputed": False, "content": "", "text": "t"}
    )  # fmt: skip
    features = {name: np.zeros((count, 1)) for name in FEATURES} | {"price": np.full((count, 1), price),
                "ret_news": np.full((count, 1), 0.05), "spread_bps": np.full((count, 1), 20.0),
                "luld_dist": np.full((count, 1), 0.1)}  # fmt: skip
    net = {"exit": np.array([[float(bps)] for _, _, bps in rows])}
    times = at.tz_localize(None).to_numpy().astype("datetime64[us]")[:, None]
    return EventTable(
        events=events, at=times, features=features, gate=np.zeros((count, 1), np.int8), net_bps=net, gross_bps=net
    )


def run(rows, risk=RISK, exits=EXITS, held_s=None, **kwargs):
    """What the gate makes of these signals."""
    held = None if held_s is None else np.full((len(rows), 1), float(held_s))
    table = signals(rows, **kwargs)
    return simulate_risk_gate(table, LOOSE, "exit", risk=risk, exits=exits, held_s=held)


def verdicts(result):
    """What became of each signal, in time order."""
    return [reason or "accepted" for reason in result.orders["reason"]]


def test_sizes_are_those_of_a_session():
    """R over the distance from limit to stop gives the shares: 100 USD, stop 2% below the ask, limit 50 bps above."""
    order = run([(0, 1, 50)], price=5.0).orders.iloc[0]
    ask = 5.0 * (1 + 20 / 2e4)
    assert order["quantity"] == math.floor(100 / (round(math.floor(ask * 1.005 * 100) / 100, 2) - 4.90))
    assert order["net_usd"] == pytest.approx(50 / 1e4 * order["notional_usd"])


def test_a_held_symbol_and_its_cool_down_refuse():
    """While held a symbol is refused, after its end until the cool-down is over as well; others are not."""
    rows = [(0, 1, 10), (60, 1, 10), (60, 2, 10), (400, 1, 10), (899, 1, 10), (900, 1, 10)]
    result = run(rows, held_s=300)
    assert verdicts(result) == ["accepted", "already held", "accepted", "cool-down", "cool-down", "accepted"]
    assert result.refused == {"cool-down": 2, "already held": 1}


def test_slots_and_notional_are_capped_until_positions_end():
    """No more positions than allowed at once, and no more money; an ended position frees both."""
    rows = [(second, second + 1, 10) for second in range(5)] + [(300, 50, 10)]
    assert verdicts(run(rows, held_s=300)) == ["accepted"] * 4 + ["max positions", "accepted"]
    tight = RISK.model_copy(update={"max_total_notional_usd": 8_000.0})
    assert verdicts(run(rows, risk=tight, held_s=300))[:3] == ["accepted", "accepted", "total notional"]


def test_the_daily_loss_ends_entries_until_the_next_day():
    """Once the closed losses reach the limit nothing more is bought that day; the next day begins afresh."""
    rows = [(0, 1, -1500.0), (10, 2, 10), (700, 3, 10), (86_400, 4, 10)]
    result = run(rows, held_s=600, risk=RISK.model_copy(update={"max_daily_loss_usd": 400.0}))
    assert verdicts(result) == ["accepted", "accepted", "daily loss", "accepted"]


def test_nothing_is_bought_near_the_close_and_nothing_held_over_it():
    """Entries end before the close, and what is held then ends when a session would flatten."""
    close_s = 6 * 3600  # 16:00 in New York
    result = run(
        [(close_s - 901, 1, 10), (close_s - 899, 2, 10)], exits=EXITS.model_copy(update={"time_stop_s": 9_999.0})
    )
    assert verdicts(result) == ["accepted", "near close"]
    assert result.orders["ends_at"].iloc[0] == START + timedelta(seconds=close_s - 300)


def test_an_order_without_a_fill_frees_its_slot_at_the_time_out():
    """It brings nothing and counts as no fill, starts the cool-down, and keeps its slot for ten seconds only."""
    one = RISK.model_copy(update={"max_positions": 1})
    result = run([(0, 1, math.nan), (9, 2, 10), (10, 3, 10), (60, 1, 10)], risk=one, held_s=30)
    assert verdicts(result) == ["accepted", "max positions", "accepted", "cool-down"]
    summary = result.summary()
    assert (summary["entries"], summary["fills"], summary["hit_rate"]) == (2, 1, 1.0)


def test_orders_a_minute_are_limited():
    """The eleventh entry within 60 s is refused, the first after it is not."""
    many = RISK.model_copy(update={"max_positions": 99, "max_total_notional_usd": 1e9})
    rows = [(5 * i, i + 1, 1) for i in range(11)] + [(60, 99, 1)]
    assert verdicts(run(rows, risk=many)) == ["accepted"] * 10 + ["order rate", "accepted"]


def test_the_summary_counts_what_was_traded():
    """Median, drawdown, worst day and turnover come from the filled entries in the order in which they ended."""
    rows = [(0, 1, 100.0), (1000, 2, -200.0), (2000, 3, -50.0), (3000, 4, 400.0)]
    result = run(rows, held_s=60)
    summary, trips = result.summary(), result.trips
    notional = trips["notional_usd"].iloc[0]
    assert summary["median_bps"] == 25.0
    assert summary["mean_bps"] == 62.5
    assert summary["net_usd"] == pytest.approx(250 / 1e4 * notional)
    assert summary["drawdown_usd"] == pytest.approx(250 / 1e4 * notional)
    assert summary["turnover_usd"] == summary["turnover_a_day_usd"] == pytest.approx(4 * notional)
    assert summary["worst_day_usd"] == pytest.approx(summary["net_usd"])
    assert result.equity_usd.iloc[-1] == pytest.approx(summary["net_usd"])


def test_equal_times_are_taken_by_contract():
    """Decisions of one moment take effect in the order of their contracts, as in a session."""
    one = RISK.model_copy(update={"max_positions": 1})
    assert run([(0, 9, 1), (0, 3, 1)], risk=one).orders["con_id"].tolist() == [3, 9]


def test_what_is_refused():
    """No signal at all, or an exit rule the table does not hold, is refused with the remedy."""
    table = signals([(0, 1, 10)])
    with pytest.raises(ResearchError, match=r"no event signals.*looser"):
        simulate_risk_gate(table, LOOSE.model_copy(update={"min_z_tod": 50.0}), "exit", risk=RISK, exits=EXITS)
    with pytest.raises(ResearchError, match="exit rule never; known: exit"):
        simulate_risk_gate(table, LOOSE, "never", risk=RISK, exits=EXITS)
