import pandas as pd
import pytest

from momentum_kit.errors import StorageError
from momentum_kit.notebook import tables
from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put

AT = "2026-11-20T14:3{}:00.000Z"


def fill(journal: SqliteJournal, exec_id: str, order_id: int, side: str, price: float, minute: int, **more) -> None:
    """One execution of contract 1."""
    row = {"shares": "100", "symbol": "AAA", "con_id": 1, **more}
    time = AT.format(minute)
    put(journal, "executions", at=time, time=time, exec_id=exec_id, order_id=order_id, side=side, price=price, **row)


@pytest.fixture
def traded(journal_path):
    """A bracket that was filled at 10.02 over an ask of 10.00 and stopped out at 9.78 by a stop at 9.80."""
    journal = SqliteJournal(journal_path)
    item = {"item_id": "s:1", "symbol": "AAA", "con_id": 1}
    for minute, price in ((1, 9.9), (3, 10.4), (5, 9.7)):
        put(journal, "marks", at=AT.format(minute), con_id=1, symbol="AAA", price=price, bid=price, ask=price + 0.1)
    put(journal, "decisions", at=AT.format(2), decided_at=AT.format(1), story_id="s", verdict="signal",
                  features={"z_tod": 5.0}, rules=[{"rule": "z", "passed": True}], final=True, **item)  # fmt: skip
    for order_id, leg, kind, limit, stop in (
        (1, "entry", "LMT", 10.05, None),
        (2, "target", "LMT", 10.5, None),
        (3, "stop", "STP", None, 9.8),
    ):
        put(journal, "orders", at=AT.format(2), order_id=order_id, leg=leg, order_type=kind, limit_price=limit,
                      stop_price=stop, change="place", **item)  # fmt: skip
    fill(journal, "a.1.01", 1, "BUY", 10.01, 2)
    fill(journal, "a.1.02", 1, "BUY", 10.02, 2)
    fill(journal, "a.2.01", 3, "SELL", 9.78, 4)
    put(journal, "commissions", at=AT.format(2), exec_id="a.1.01", commission_usd=1.0)
    put(journal, "commissions", at=AT.format(2), exec_id="a.1.02", commission_usd=1.1)
    put(journal, "equity", at=AT.format(4), realised_usd=-24.0, unrealised_usd=0.0, costs_usd=2.1)
    yield journal
    journal.close()


def read(journal: SqliteJournal, name: str) -> pd.DataFrame:
    """A table after everything buffered is on disk."""
    journal.flush()
    return getattr(tables, name)(journal.path)


def test_fills_join_executions_orders_and_costs(traded):
    """Corrections replace, commissions and legs are joined, a commission that never came is nan."""
    fills = read(traded, "fills")
    assert list(fills["exec_id"]) == ["a.1.02", "a.2.01"]
    assert list(fills["leg"]) == ["entry", "stop"]
    assert fills["commission_usd"].iloc[0] == 1.1
    assert pd.isna(fills["commission_usd"].iloc[1])


def test_slippage_is_measured_from_a_named_reference(traded):
    """An entry from the ask at its decision, a stop from its stop price; positive is worse, bps."""
    fills = read(traded, "fills")
    assert list(fills["reference"]) == ["ask", "stop"]
    assert list(fills["reference_price"]) == [10.0, 9.8]
    assert fills["slippage_bps"].round(2).tolist() == [20.0, 20.41]


def test_a_stop_that_became_a_market_order_is_measured_from_the_last_mark(traded):
    """An exit by a modified stop has no price of its own; the mark at its time is the reference."""
    put(traded, "orders", at=AT.format(3), order_id=3, leg="exit", order_type="MKT", change="modify", item_id="s:1",
                 con_id=1)  # fmt: skip
    last = read(traded, "fills").iloc[-1]
    assert (last["leg"], last["reference"], last["reference_price"]) == ("exit", "mark", 10.4)


def test_an_execution_without_an_order_of_ours_is_kept(traded):
    """A fill of another client, or from before the session, has no leg but is not lost."""
    fill(traded, "b.1.01", -7, "SELL", 9.6, 6, shares="50", liquidation=True)
    last = read(traded, "fills").iloc[-1]
    assert (last["shares"], bool(last["liquidation"])) == (50.0, True)
    assert pd.isna(last["leg"])
    assert last["reference"] == "mark"


def test_positions_follow_from_executions(traded):
    """Flat after the stop; what is bought again is held at its mean price and marked to the last price."""
    assert len(read(traded, "positions")) == 0
    fill(traded, "c.1.01", 9, "BUY", 9.0, 6)
    fill(traded, "c.2.01", 9, "BUY", 10.0, 7)
    fill(traded, "c.3.01", 9, "SELL", 11.0, 8, shares="50")
    (held,) = read(traded, "positions").to_dict("records")
    assert (held["symbol"], held["quantity"], held["average_price"]) == ("AAA", 150.0, 9.5)
    assert held["unrealised_usd"] == pytest.approx((9.7 - 9.5) * 150)


def test_a_sale_through_zero_opens_at_its_own_price(traded):
    """A short that should not exist is shown as one, with the price it was opened at."""
    fill(traded, "c.1.01", 9, "SELL", 9.5, 6, shares="30")
    (held,) = read(traded, "positions").to_dict("records")
    assert (held["quantity"], held["average_price"]) == (-30.0, 9.5)
    fill(traded, "c.2.01", 9, "BUY", 9.9, 7, shares="80")
    (held,) = read(traded, "positions").to_dict("records")
    assert (held["quantity"], held["average_price"]) == (50.0, 9.9)


def test_columns_are_typed(traded):
    """Times are aware UTC, counts integers, prices floats, structures Python values, flags boolean."""
    decisions = read(traded, "decisions")
    assert str(decisions["decided_at"].dtype) == "datetime64[us, UTC]"
    assert str(decisions["con_id"].dtype) == "Int64"
    assert str(decisions["price"].dtype) == "float64"
    assert str(decisions["final"].dtype) == "boolean"
    assert decisions["features"].iloc[0] == {"z_tod": 5.0}
    assert decisions["rules"].iloc[0] == [{"rule": "z", "passed": True}]


def test_equity_is_net_of_costs_over_time(traded):
    """net_usd is realised plus open profit less costs, indexed by aware time."""
    equity = read(traded, "equity")
    assert equity["net_usd"].tolist() == [pytest.approx(-26.1)]
    assert str(equity.index.dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    "name",
    ["headlines", "items", "decisions", "orders", "fills", "positions", "equity", "round_trips", "marks"],
)
def test_an_empty_table_has_its_columns_and_types(journal_path, write_session, name):
    """Before anything happened each table is empty and typed as it will be later."""
    empty = getattr(tables, name)(journal_path)
    assert len(empty) == 0
    assert dict(empty.dtypes) == dict(getattr(tables, name)(write_session(headlines=12, every=3)).dtypes)


def test_an_unknown_table_is_named(journal_path):
    """A table that does not exist is a StorageError, not an empty frame."""
    with pytest.raises(StorageError, match="no such table: trades"):
        tables.table(journal_path, "trades")
