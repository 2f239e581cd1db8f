"""The planted moves hold the detector's published defaults, the decoys do not; quantities computed plainly here."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from momentum_kit.simgateway.embedding import open_market, to_ms
from momentum_kit.simgateway.scenario import load_scenario

SEEDS = (1, 2, 3)
CAUGHT_BY_OTHER_MEANS = {"offering", "merger_target", "stale", "round_up", "halt", "second_feed"}  # not by the tape


@dataclass(frozen=True)
class Usual:
    """What 20 earlier sessions traded: minute volumes (day, minute) and the size of a minute's return."""

    volumes: np.ndarray
    sigma: float


def usual_of(market, con_id):
    """From 1-minute history before the open, missing minutes as zero."""
    bars = market.bars(con_id, market.scenario.session.open, "20 D", "1 min", "TRADES", True)
    days = defaultdict(dict)
    for bar in bars:
        days[bar.start.date()][bar.start.hour * 60 + bar.start.minute - 870] = bar
    volumes = np.array([[day[m].volume if m in day else 0 for m in range(-60, 390)] for day in days.values()])
    returns = np.concatenate([np.diff(np.log([bar.close for bar in day.values()])) for day in days.values()])
    return Usual(volumes, float(np.std(returns)))


def fires(market, con_id, relay, usual):
    """True if at some 5 s close from 5 to 120 s after the relay every numeric default holds."""
    bars = market.bars(con_id, relay + timedelta(seconds=130), "7200 S", "5 secs", "TRADES", True)
    ends = np.array([bar.end.timestamp() for bar in bars])
    tape = market._source.tape(con_id, market.scenario.day)
    opened = market.scenario.session.open.timestamp()
    anchor = [bar for bar in bars if bar.end <= relay][-1].close
    first = relay.timestamp() // 5 * 5 + 5
    for at in np.arange(first + 5, relay.timestamp() + 120, 5):
        window = [bar for bar in bars if at - 60 <= bar.start.timestamp() and bar.end.timestamp() <= at]
        day = [bar for bar, end in zip(bars, ends, strict=True) if opened < end <= at]
        before = [bar for bar, end in zip(bars, ends, strict=True) if end <= at - 60]
        older = [bar for bar, end in zip(bars, ends, strict=True) if end <= at - 300]
        if not window or not before:
            continue
        price, minute = window[-1].close, int((at - opened) // 60)
        move = price / before[-1].close - 1
        slow = price / older[-1].close - 1 if older else 0
        high, low = max(bar.high for bar in window), min(bar.low for bar in window)
        volume = sum(bar.volume for bar in window)
        quote = tape.quote_at(to_ms(datetime.fromtimestamp(at, UTC)))
        spread_bps = (quote.ask - quote.bid) / (quote.ask + quote.bid) * 2e4
        gain = price / anchor - 1
        if (
            1 <= price <= 20
            and (move >= 0.03 or slow >= 0.04)
            and np.log1p(move) / usual.sigma >= 4.4
            and volume >= 5 * np.median(usual.volumes[:, minute + 55 : minute + 65])
            and sum(bar.volume for bar in day) >= 2 * usual.volumes[:, 60 : 60 + minute].sum(axis=1).mean()
            and sum(bar.volume * bar.wap for bar in window) >= 100_000
            and sum(bar.count for bar in window) >= 30
            and spread_bps <= min(100, gain * 2500)
            and (price - low) >= 0.6 * (high - low)
            and gain <= 0.25
        ):
            return True
    return False


def verdicts(seed):
    """Kind and whether the tape fires, for every headline of one contract."""
    market = open_market(load_scenario("demo", seed))
    market.advance(market.ends)
    known = {}
    truth = market.truth()
    for row in truth["planted"] + truth["decoys"]:
        if row["article_id"] and row["kind"] not in CAUGHT_BY_OTHER_MEANS:
            (instrument,) = market.find(symbol=row["symbol"])
            usual = known.setdefault(instrument.con_id, usual_of(market, instrument.con_id))
            yield row["kind"], fires(market, instrument.con_id, datetime.fromisoformat(row["time"]), usual)


@pytest.fixture(scope="module")
def counts():
    """Per kind: how many headlines, and how many of them fire."""
    table = defaultdict(lambda: [0, 0])
    for seed in SEEDS:
        for kind, fired in verdicts(seed):
            table[kind][0] += 1
            table[kind][1] += fired
    return table


def test_planted_moves_hold_every_default(counts):
    """Nine in ten planted moves are there to be caught; the rest are faint on purpose."""
    told, fired = counts["planted"]
    assert told == 9 * len(SEEDS)
    assert fired / told >= 0.85


def test_decoys_hold_them_hardly_ever(counts):
    """Of what only looks tradable, less than one in twenty passes the numbers."""
    decoys = {kind: row for kind, row in counts.items() if kind != "planted"}
    assert {"neutral", "tiny_move", "pump", "few_trades", "wide_spread", "false_ticker"} <= set(decoys)
    assert sum(fired for _, fired in decoys.values()) <= 0.05 * sum(told for told, _ in decoys.values())


@pytest.mark.parametrize("kind", ["pump", "few_trades", "tiny_move"])
def test_these_decoys_never_fire(counts, kind):
    """A pump is over before a bar closes, a thin move has too few prints, a tiny one is too small."""
    assert counts[kind][1] == 0
