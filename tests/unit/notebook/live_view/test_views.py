import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.models.session import ConnectionHealth, EngineStatus, LinkState, PositionView, TradingState
from momentum_kit.notebook.html import banner, ended_card, kit_card, lights, positions_table, vitals
from momentum_kit.notebook.live_view.session_record import SessionRecord
from momentum_kit.notebook.live_view.views import (
    POINTS,
    equity_curve,
    headlines_table,
    log_tail,
    orders_table,
    signals_table,
    thinned,
)
from momentum_kit.pages import LONGEST, Html, age, clock, in_new_york, number, table, tag, text

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
HOSTILE = '</td><img src=x onerror="alert(1)"><script>alert(2)</script>\u202e\x00 & $ABCD'
STATUS = EngineStatus(
    state=TradingState.RUNNING, reason="started", environment="sim", account="DU1234567", market_time=AT,
    started_at=AT, health=ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP, farms={"usfarm": LinkState.UP}),
    counts={"signals": 3},
    skips={"move": 12}, queues={"items": 0}, positions=(), realised_usd=12.5, unrealised_usd=-2.0, costs_usd=1.0,
    run_dir="runs/x", pid=7, message_age_s=0.5, data_ages_s={"ABCD": 2.0}, lags_s={"loop": 0.003},
    thresholds_name="default", thresholds_hash="abcd1234", started=True,
)  # fmt: skip
HELD = PositionView(
    symbol="ABCD",
    con_id=1,
    quantity=300,
    average_price=5.0,
    last_price=5.2,
    unrealised_usd=60.0,
    stop_price=4.9,
    r=0.6,
    opened_at=AT,
)


class Elements(HTMLParser):
    """What a browser would make of markup: its elements, attributes and text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.words = ""
        self.feed(markup)

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.tags.append(name)
        self.attributes += [key for key, _ in attributes]

    def handle_data(self, data: str) -> None:
        """Text, with its references resolved."""
        self.words += data


def harmless(markup: str) -> Elements:
    """The elements of a view, none of which runs anything."""
    found = Elements(markup)
    assert not {"script", "img", "iframe", "a", "object"} & set(found.tags)
    assert not [name for name in found.attributes if name.startswith("on")]
    assert "\u202e" not in markup
    return found


def hostile_record() -> SessionRecord:
    """A session in which every text from outside is an attack."""
    record = SessionRecord()
    at = "2026-11-20T15:00:00.000Z"
    keys: dict[str, Any] = {"at": at, "item_id": HOSTILE, "story_id": HOSTILE, "symbol": HOSTILE, "con_id": 1}
    record.take("headlines", {**keys, "article_id": HOSTILE, "text": HOSTILE, "outcome": "item", "reason": HOSTILE,
                              "symbols": [HOSTILE]})  # fmt: skip
    record.take("items", keys)
    record.take("decisions", {**keys, "decided_at": at, "verdict": "signal", "reason": HOSTILE, "detail": HOSTILE,
                              "final": 1, "price": 5.0, "features": {"ret_news": 0.05}, "rules": []})  # fmt: skip
    record.take("risk", {**keys, "verdict": "refused", "reason": HOSTILE, "quantity": None})
    record.take("orders", {**keys, "order_id": 4, "leg": "entry", "action": "BUY", "order_type": HOSTILE,
                           "quantity": "10", "limit_price": 5.0, "stop_price": None, "change": "place"})  # fmt: skip
    record.take("order_updates", {"at": at, "order_id": 4, "status": HOSTILE, "filled": "0", "avg_fill_price": 0.0})
    record.take("log", {"at": HOSTILE, "level": "error", "logger": HOSTILE, "text": HOSTILE})
    return record


def test_a_hostile_headline_is_only_ever_text() -> None:
    """Whatever a provider, a broker or a log line says is shown as its characters and runs nothing anywhere."""
    record = hostile_record()
    status = replace(STATUS, reason=HOSTILE, account=HOSTILE, incidents=(HOSTILE,), run_dir=HOSTILE,
                     positions=(replace(HELD, symbol=HOSTILE),), queues={HOSTILE: 1}, skips={HOSTILE: 1},
                     data_ages_s={HOSTILE: 1.0}, thresholds_name=HOSTILE)  # fmt: skip
    views = [view(record) for view in (headlines_table, signals_table, orders_table, log_tail)]
    views += [banner(status), lights(status), positions_table(status.positions), vitals(status), ended_card(HOSTILE)]
    views.append(kit_card(status, [{"verdict": "skip", "symbol": HOSTILE, "reason": HOSTILE, "decided_at": "x"}]))
    for view in views:
        harmless(view)
    assert "$ABCD" in Elements(views[0]).words
    assert "<script>alert(2)</script>" in Elements(views[0]).words


@given(st.text())
def test_any_text_comes_out_as_one_text(words: str) -> None:
    """No characters end an element or an attribute, and none is invisible."""
    found = Elements(tag("p", words, title=words))
    assert found.tags == ["p"]
    assert found.attributes == ["title"]
    assert len(text(Html(words))) == len(words)


def test_a_long_text_is_cut() -> None:
    """A headline of a megabyte costs the browser no more than a long one."""
    assert len(text("x" * 10**6)) == LONGEST + 1


@pytest.mark.parametrize(("mode", "words"), [("sim", "SIMULATION"), ("paper", "PAPER"), ("live", "REAL MONEY")])
def test_whose_money_it_is_stands_in_words_and_colour(mode: str, words: str) -> None:
    """Simulation, paper and live cannot be taken for each other, by those who see no colours either."""
    shown = banner(replace(STATUS, environment=mode))
    assert words in shown
    assert f"mk-mode-{mode}" in shown
    assert "DU1234567" in shown


def test_every_state_has_its_words() -> None:
    """A state is told in words, and its net profit beside it."""
    for state in TradingState:
        assert state.split("_")[0] in banner(replace(STATUS, state=state)).lower()
    assert "+9.50" in banner(STATUS)


def test_what_is_not_running_is_not_called_running() -> None:
    """Not started, without a gateway, and silent are states of their own; what was known last stands beside it."""
    idle = replace(STATUS, state=TradingState.PAUSED, started=False)
    assert "not started" in banner(idle)
    alone = replace(
        STATUS, health=ConnectionHealth(socket=LinkState.DOWN, broker=LinkState.UP, farms={"usfarm": LinkState.UP})
    )
    found = Elements(banner(alone) + lights(alone)).words
    for words in (
        "NO GATEWAY",
        "running (started)",
        "gateway down",
        "nobody answers",
        "broker unknown",
        "data unknown",
    ):
        assert words in found
    for status in (STATUS, idle, alone):
        assert "NO CONTACT" in banner(status, heard=False)
        assert "last known" in banner(status, heard=False)
    assert "KILLED" in banner(replace(STATUS, state=TradingState.KILLED), heard=False)


def test_four_lights_with_ages() -> None:
    """Each layer says its state in words and how long ago it was heard."""
    health = ConnectionHealth(
        socket=LinkState.UP, broker=LinkState.DOWN, farms={"usfarm": LinkState.DEGRADED}, stale_con_ids=frozenset({1})
    )
    found = Elements(lights(replace(STATUS, health=health)))
    for words in ("gateway up", "broker down", "farms degraded", "data down", "heard 0.5 s ago", "2.0 s ago"):
        assert words in found.words


def test_a_position_shows_its_r_and_one_without_a_stop_says_so() -> None:
    """Open profit in USD and in R; a holding without a stop is told in red."""
    shown = positions_table((HELD, replace(HELD, symbol="EFGH", r=math.nan, stop_price=math.nan)))
    assert "+60.00" in shown
    assert "+0.60" in shown
    assert "no stop" in shown
    assert "nothing is held" in positions_table(())


def test_the_engine_s_queues_and_delays_are_told() -> None:
    """What waits where, delays, skips by reason and the quietest symbol."""
    found = Elements(vitals(STATUS)).words
    for words in ("nothing in 1 queues", "loop 3 ms", "move 12", "ABCD 2.0 s", "abcd1234"):
        assert words in found
    behind = Elements(vitals(replace(STATUS, queues={"items": 0, "signals": 3}))).words
    assert "signals 3" in behind
    assert "items" not in behind


def test_a_log_line_tells_new_york_s_time_where_it_has_one() -> None:
    """A change of state says when; an older engine's line has no time."""
    record = SessionRecord()
    record.take("log", {"level": "info", "logger": "alerts", "text": "the flatten is over"})
    record.take("log", {"at": AT.isoformat(), "level": "info", "logger": "engine", "text": "state: paused"})
    assert Elements(log_tail(record)).words == f"Log{clock(AT)} engine: state: pausedalerts: the flatten is over"


def test_a_curve_keeps_its_extremes_and_says_them() -> None:
    """However many points are thinned, the lowest and the highest are drawn, and stand in words."""
    points = [(AT + timedelta(seconds=5 * step), math.sin(step / 40)) for step in range(10_000)]
    points[777], points[5_555] = (points[777][0], -41.0), (points[5_555][0], 52.0)
    kept = thinned(points)
    assert len(kept) <= POINTS + 2
    assert [at for at, _ in kept] == sorted(at for at, _ in kept)
    assert {-41.0, 52.0} <= {net for _, net in kept}
    shown = equity_curve(points)
    assert "between -41.00 and 52.00 USD" in shown
    assert len(shown) < 6_000


@pytest.mark.parametrize(
    "points", [[], [(AT, 3.0)], [(AT, 0.0), (AT, 0.0)], [(AT, 0.0), (AT + timedelta(days=1), 0.0)]]
)
def test_a_curve_of_next_to_nothing_is_no_error(points: list[tuple[datetime, float]]) -> None:
    """No points, one, two of the same moment, a flat one."""
    assert "nan" not in equity_curve(points)


def test_numbers_times_and_ages_for_people() -> None:
    """Unknown is a dash, times are New York's, ages keep their width."""
    assert [number(value) for value in (None, math.nan, "x", 1234.5, "7")] == [*["\u2013"] * 3, "1,234.50", "7.00"]
    assert clock("2026-11-20T15:00:00.000Z") == "10:00:00"
    assert in_new_york("move: closest at 15:30:05: 0.01 < 0.03", "2026-11-20T15:31:00Z").endswith(
        "10:30:05: 0.01 < 0.03"
    )
    assert in_new_york("move: 0.01 < 0.03", None) == "move: 0.01 < 0.03"
    assert [clock(value) for value in ("", None, datetime(2026, 11, 20))] == ["", "", ""]  # noqa: DTZ001
    assert [age(value) for value in (0.25, 12, 300, 9000, math.nan)] == ["0.2 s", "12 s", "5 min", "2 h", ""]


def test_an_empty_table_says_what_is_missing() -> None:
    """No heads without rows; numbers stand on the right."""
    assert "nothing yet" in table("Things", ("a",), [], "nothing yet")
    shown = table("Things", ("a", ">b"), [("x", 1)], "nothing yet")
    assert re.search(r'class="mk-number"[^>]*>1<', shown)


def test_a_card_traces_the_last_decision_rule_by_rule() -> None:
    """A kit in a notebook shows the session and why the last item was no signal."""
    rules = [{"rule": "z", "value": 3.1, "threshold": 4.4, "passed": False},
             {"rule": "move", "value": None, "threshold": 0.03, "passed": False}]  # fmt: skip
    row = {"verdict": "skip", "symbol": "ABCD", "reason": "z", "detail": "3.1 < 4.4", "price": 5.0, "rules": rules,
           "decided_at": "2026-11-20T15:00:00.000Z"}  # fmt: skip
    words = Elements(kit_card(replace(STATUS, positions=(HELD,)), [row])).words
    for expected in ("SIMULATION", "3.1 < 4.4", "4.4", "failed", "3 signals", "+0.60"):
        assert expected in words
