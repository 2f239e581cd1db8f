"""A trader's two days by our own record: what was bought, sold and held on 19 and 20 November 2026."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from momentum_kit.models import CommissionRow, EquityRow, ExecutionRow, MetaRow, OrderAction
from momentum_kit.sessions import NEW_YORK
from momentum_kit.storage.journal import SqliteJournal

KLRM, BRQS, ORDL, VNTX = ("KLRM", 401100201), ("BRQS", 402200302), ("ORDL", 403300403), ("VNTX", 510220303)
SLVT = ("SLVT", 404400504)

# exec id, order reference, contract, side, shares, price, New York time, commission (None: no report came)
Deal = tuple[str, str, tuple[str, int], str, int, float, str, float | None]

THURSDAY: list[Deal] = [
    ("0000f7b1.691dc801.01.01", "mk-0a1b2c-or1", ORDL, "BUY", 60, 9.0, "2026-11-19 15:40:11", 1.0),
    ("00018c55.691dd002.01.01", "mk-0a1b2c-vn1", VNTX, "BUY", 80, 12.1, "2026-11-19 11:02:12", 1.0),
]
MORNING: list[Deal] = [
    ("0000e1a7.691f0a11.01.01", "mk-0a1b2c-kl1", KLRM, "BUY", 200, 4.12, "2026-11-20 09:41:07", 1.0),
    ("0000e1a7.691f0a93.01.01", "mk-0a1b2c-kl1", KLRM, "SELL", 200, 4.31, "2026-11-20 09:48:52", 1.051),
    ("0001d2c4.691f0c20.01.01", "mk-0a1b2c-br1", BRQS, "BUY", 100, 7.55, "2026-11-20 10:02:30", 1.0),
    ("0001d2c4.691f0c21.01.01", "mk-0a1b2c-br1", BRQS, "BUY", 150, 7.56, "2026-11-20 10:02:30", 0.25),
    ("0001d2c4.691f0f02.01.01", "mk-0a1b2c-br1", BRQS, "SELL", 250, 7.40, "2026-11-20 10:19:44", 1.3143),
    ("0001d2c4.691f0f02.01.02", "mk-0a1b2c-br1", BRQS, "SELL", 250, 7.41, "2026-11-20 10:19:44", None),
]
NOON: list[Deal] = [
    # an engine that starts again hears of the whole day once more
    ("0000e1a7.691f0a93.01.01", "mk-0a1b2c-kl1", KLRM, "SELL", 200, 4.31, "2026-11-20 09:48:52", 1.051),
    ("0000f7b1.691f1a00.01.01", "mk-0a1b2c-or1", ORDL, "SELL", 60, 9.5, "2026-11-20 11:30:05", 1.0433),
    ("00020a0e.691f2831.01.01", "mk-0a1b2c-sl1", SLVT, "BUY", 50, 3.0, "2026-11-20 12:31:00", 1.0),
    ("00020a0e.691f2a4d.02.01", "mk-0a1b2c-sl1", SLVT, "SELL", 50, 3.2, "2026-11-20 12:40:01", 1.02),
]
SESSIONS = {
    "2026-11-19T14-20-00Z": THURSDAY, "2026-11-20T14-20-00Z": MORNING, "2026-11-20T16-05-30Z": NOON,
}  # fmt: skip


def write_session(folder: Path, deals: Iterable[Deal], account: str = "U7654321") -> Path:
    """A session's folder with its journal, as an engine leaves it."""
    folder.mkdir(parents=True)
    journal = SqliteJournal(folder / "journal.db")
    journal.write(MetaRow(key="owner", value=account))
    begun = datetime.strptime(folder.name[:10], "%Y-%m-%d").replace(hour=9, minute=20, tzinfo=NEW_YORK)
    journal.write(EquityRow(at=begun, realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0))
    for number, (exec_id, reference, (symbol, con_id), side, shares, price, at, cost) in enumerate(deals):
        time = datetime.fromisoformat(at).replace(tzinfo=NEW_YORK)
        journal.write(
            ExecutionRow(
                at=time, exec_id=exec_id, order_id=10 + number, perm_id=903000000 + number, order_ref=reference,
                symbol=symbol, con_id=con_id, side=OrderAction(side), shares=Decimal(shares), price=price, time=time,
                exchange="SMART", liquidation=False,
            )
        )  # fmt: skip
        if cost is not None:
            journal.write(
                CommissionRow(
                    at=time, exec_id=exec_id, commission_usd=cost, realized_pnl_usd=float("nan"), amount=cost,
                    currency="USD", basis="reported",
                )
            )  # fmt: skip
    journal.close()
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The folder of all sessions."""
    folder = tmp_path / "runs"
    for name, deals in SESSIONS.items():
        write_session(folder / name, deals)
    return folder


@pytest.fixture
def clean() -> Path:
    """IB's statement of Friday that agrees with the record."""
    return Path(__file__).parent / "clean.xml"
