import pickle
from datetime import UTC, datetime

import pandas as pd
import pytest

from momentum_kit.models import ConnectionHealth, EngineStatus, LinkState, PositionView, TradingState
from momentum_kit.notebook import tables
from momentum_kit.notebook.html import ShownStatus, reason_detail
from momentum_kit.notebook.tables import SessionTable
from momentum_kit.notebook.tables.session_table import IDS

NAMES = ("headlines", "decisions", "orders", "fills", "round_trips", "equity", "positions")


@pytest.mark.parametrize("name", NAMES)
def test_ids_come_last_and_nothing_is_lost(write_session, name) -> None:
    """A table of the kit has the columns and types of the journal's, in the order that people need."""
    plain = getattr(tables, name)(write_session())
    table = SessionTable.of(name, plain)
    assert dict(table.dtypes) == dict(plain.dtypes)
    ids = [column in IDS for column in table.columns]
    assert ids == sorted(ids)
    pd.testing.assert_frame_equal(pd.DataFrame(table)[list(plain.columns)], plain)


def test_a_decision_is_told_in_units_of_its_rule(write_session) -> None:
    """Reason, features and rules are words; the price has its unit and the signal its colour."""
    table = SessionTable.of("decisions", tables.decisions(write_session()))
    html = table._repr_html_()
    for shown in ("Decisions, ", "New York", "<small>USD</small>", "z 3.0", "0 of 1, not z"):
        assert shown in html
    assert "mk-good" in table[table["verdict"] == "signal"]._repr_html_()
    assert "features" not in table[["symbol", "reason"]].head(2)._repr_html_()


@pytest.mark.parametrize(
    ("reason", "detail", "told"),
    [
        ("move", "-0.001869 < 0.03", "-0.19% < 3.00%"),
        ("dollar volume", "5.622e+04 < 1e+05", "56,220 USD < 100,000 USD"),
        ("spread", "closest at 15:51:20: 127.4 > 100", "closest at 10:51:20: 127 bps > 100 bps"),
        ("z", "not known", "not known"),
        ("stale quote", "12.0 s", "12.0 s"),
    ],
)
def test_numbers_behind_a_reason_are_readable(reason, detail, told) -> None:
    """Fractions are per cent, dollars have no exponent, and the time of day is New York's."""
    assert reason_detail(reason, detail, datetime(2026, 11, 20, 15, 55, tzinfo=UTC)) == told


@pytest.mark.parametrize(("price", "shown"), [(5.5, ">5.50<"), (0.1234, ">0.1234<"), (8.815, ">8.815<")])
def test_a_price_has_the_decimals_it_needs(price, shown) -> None:
    """Whole cents as cents, below that up to a hundredth of one."""
    assert shown in SessionTable({"price": [price]})._repr_html_()


def test_an_id_is_no_quantity() -> None:
    """No thousands in what is only a name."""
    assert ">910000030<" in SessionTable({"con_id": [910000030]})._repr_html_()


def status(**more: object) -> EngineStatus:
    """A session that holds one position."""
    at = datetime(2026, 11, 20, 14, 45, tzinfo=UTC)
    held = PositionView(
        symbol="ABCD",
        con_id=1,
        quantity=100.0,
        average_price=5.5,
        last_price=5.75,
        unrealised_usd=25.0,
        stop_price=5.3,
        r=1.25,
        opened_at=at,
    )
    known: dict[str, object] = {
        "state": TradingState.RUNNING, "reason": "started", "environment": "sim", "account": "DU1", "market_time": at,
        "started_at": at, "health": ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP),
        "counts": {"headlines": 3},
        "skips": {"z": 2}, "queues": {}, "positions": (held,), "realised_usd": 10.0, "unrealised_usd": 25.0,
        "costs_usd": 1.5, "run_dir": "runs/1", "pid": 7,
    }  # fmt: skip
    return EngineStatus(**{**known, **more})  # type: ignore[arg-type]


def test_a_status_shows_itself_and_stays_a_frozen_snapshot() -> None:
    """State, money with its parts, lights and holdings in New York time; every field as it was, pickled too."""
    shown = ShownStatus.of(status())
    html = shown._repr_html_()
    for words in ("SIMULATION", "running", "09:45:00", "+33.50 USD", "realised", "+10.00", "-1.50", "ABCD", "5.75"):
        assert words in html.replace("</span>", "").replace('<span class="mk-gain">', "")
    assert isinstance(shown, EngineStatus)
    with pytest.raises(AttributeError):
        shown.pid = 8  # type: ignore[misc]
    known = ShownStatus.of(status(message_age_s=0.5))
    assert pickle.loads(pickle.dumps(known)) == known
