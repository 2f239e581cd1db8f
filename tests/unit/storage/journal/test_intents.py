from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from momentum_kit.errors import StorageError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.intents import Intent, IntentKind, IntentState
from momentum_kit.models.orders import OrderAction
from momentum_kit.storage.journal import SqliteIntents

INTENT = Intent(
    intent_id="mk-1", kind=IntentKind.ENTRY, item_id="story:1", contract=Contract("AAA", 1, primary_exchange="NASDAQ"),
    account="DU1", action=OrderAction.BUY,
    quantity=Decimal(833), limit_price=5.02, target_price=5.2, stop_price=4.9, risk_usd=99.96,
    created_at=datetime(2026, 11, 20, 15, 30, 0, 250_000, tzinfo=UTC), reason="fda", trail_usd=0.05,
)  # fmt: skip


@pytest.fixture
def intents(tmp_path):
    """An open file of intents."""
    opened = SqliteIntents(tmp_path / "intents.db")
    yield opened
    opened.close()


def test_what_was_recorded_is_on_disk(intents):
    """Another connection sees the intent as soon as record returns, every field as it was."""
    intents.record(INTENT).result()
    other = SqliteIntents(intents.path)
    assert other.unresolved() == (INTENT,)
    other.close()


def test_every_commit_reaches_the_disk(intents):
    """Synchronous is FULL (2): an intent is durable before its orders are sent."""
    assert intents._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_marking_moves_state_and_ids(intents):
    """Mark changes the state and the order ids named, nothing else."""
    intents.record(INTENT).result()
    intents.mark("mk-1", IntentState.SENT, entry_order_id=7, stop_order_id=9).result()
    assert intents.unresolved() == (replace(INTENT, state=IntentState.SENT, entry_order_id=7, stop_order_id=9),)


def test_resolved_intents_are_not_listed(intents):
    """CLOSED and REFUSED are done; the rest comes oldest first."""
    for number, state in enumerate(IntentState):
        at = INTENT.created_at - timedelta(minutes=number)
        intents.record(replace(INTENT, intent_id=f"mk-{state}", state=state, created_at=at)).result()
    listed = [intent.state for intent in intents.unresolved()]
    assert listed == [IntentState.UNKNOWN, IntentState.WORKING, IntentState.SENT, IntentState.PREPARED]


def test_no_intent_twice(intents):
    """The reference is unique for ever."""
    intents.record(INTENT).result()
    with pytest.raises(StorageError, match="UNIQUE"):
        intents.record(replace(INTENT, item_id="other")).result()


def test_marking_what_is_not_there(intents):
    """An unknown intent or an unknown kind of id is an error, not a silent nothing."""
    with pytest.raises(StorageError, match="no intent mk-9"):
        intents.mark("mk-9", IntentState.SENT).result()
    with pytest.raises(StorageError, match="perm_id"):
        intents.mark("mk-9", IntentState.SENT, perm_id=4).result()


def test_a_full_disk_refuses(intents):
    """Record raises where the row did not reach the disk, so that no order follows."""
    pages = intents._connection.execute("PRAGMA page_count").fetchone()[0]
    intents._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"):
        for number in range(1000):
            intents.record(replace(INTENT, intent_id=f"mk-{number}", reason="x" * 500)).result()
