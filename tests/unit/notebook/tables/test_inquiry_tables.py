"""Answers of the broker as tables: contracts by symbol, typed columns also where there is no row."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from momentum_kit.errors import BrokerError
from momentum_kit.models import (
    Contract,
    CostedExecution,
    Execution,
    OpenOrder,
    OrderAction,
    OrderRequest,
    PrintTick,
    ScanRow,
    SessionHours,
)
from momentum_kit.notebook.tables import inquiry_table, scan_codes

AT = datetime(2026, 4, 2, 13, 30, 5, tzinfo=UTC)
TESLA = Contract("TSLA", 76792991, primary_exchange="NASDAQ")


def test_nested_values_become_columns_of_their_own() -> None:
    """An execution within its costs: one row, shares as a number, times aware."""
    execution = Execution(
        exec_id="0000e0d5.1.01.01", order_id=3, perm_id=9, client_id=4, contract=TESLA, account="DU9000001",
        side=OrderAction.SELL, shares=Decimal("12.5"), price=201.25, time=AT, order_ref="", exchange="ARCA",
        cumulative_shares=Decimal("12.5"), average_price=201.25, liquidation=False, received_at=AT, from_request=True,
    )  # fmt: skip
    table = inquiry_table("executions", [CostedExecution(execution, 1.0, "USD", math.nan)], CostedExecution)
    (row,) = table.to_dict("records")
    assert (row["symbol"], row["con_id"], row["primary_exchange"]) == ("TSLA", 76792991, "NASDAQ")
    assert (row["shares"], row["side"], row["commission"], row["time"]) == (12.5, "SELL", 1.0, AT)
    assert math.isnan(row["realized"])


def test_an_order_shows_its_request_and_its_state() -> None:
    """Whose it is, what it wants, and how far it is."""
    request = OrderRequest(action=OrderAction.BUY, quantity=Decimal(7), order_type="LMT", limit_price=3.1, order_id=12)
    order = OpenOrder(contract=TESLA, request=request, perm_id=1, client_id=8, status="Submitted", received_at=AT)
    (row,) = inquiry_table("all_open_orders", [order], OpenOrder).to_dict("records")
    assert (row["symbol"], row["quantity"], row["limit_price"], row["client_id"], row["status"]) == (
        "TSLA", 7.0, 3.1, 8, "Submitted",
    )  # fmt: skip


@pytest.mark.parametrize("kind", [CostedExecution, OpenOrder, PrintTick, ScanRow, SessionHours])
def test_no_rows_are_a_table_with_columns(kind: type) -> None:
    """The same columns as with rows, and times that are times."""
    table = inquiry_table("nothing", [], kind)
    assert table.empty
    assert len(table.columns) > 1
    for column in {"time", "opens"} & set(table.columns):
        assert str(table[column].dt.tz) == "UTC"


def test_sessions_are_indexed_by_day() -> None:
    """The index is the exchange's day."""
    hours = SessionHours(date(2026, 4, 2), AT, AT.replace(hour=20))
    assert list(inquiry_table("schedule", [hours], SessionHours, index="day").index) == [date(2026, 4, 2)]


def test_scan_codes_are_read_from_ibs_document() -> None:
    """Each code once, with its words; what is no document is said so."""
    scan = "<ScanType><displayName>Hot by volume</displayName><scanCode>HOT_BY_VOLUME</scanCode></ScanType>"
    table = scan_codes(f"<ScanParameterResponse><ScanTypeList>{scan}{scan}</ScanTypeList></ScanParameterResponse>")
    assert table.to_dict("records") == [{"code": "HOT_BY_VOLUME", "name": "Hot by volume", "instruments": ""}]
    with pytest.raises(BrokerError, match="cannot be read"):
        scan_codes("<ScanParameterResponse>")
