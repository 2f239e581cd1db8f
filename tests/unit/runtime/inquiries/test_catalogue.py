"""What a notebook may ask: names and arguments are checked before anything is sent; answers survive the way back."""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from momentum_kit.errors import InputError
from momentum_kit.models import Contract, MidpointTick, PositionProfit, PrintTick, ScanRow, TouchTick
from momentum_kit.runtime.inquiries import INQUIRIES, MOST_SECONDS, decode_answer, encode_answer
from momentum_kit.runtime.inquiries.catalogue import Inquirer, ask

AT = datetime(2026, 4, 2, 13, 30, 5, tzinfo=UTC)


@pytest.fixture
async def asker() -> Inquirer:
    """Nobody is behind it: what passes the checks would fail at once."""

    async def contract(symbol: str) -> Contract:
        raise AssertionError(f"{symbol} was asked for")

    bridge: Any = None
    return Inquirer(bridge=bridge, account="DU9000001", contract=contract, one_quote=asyncio.Lock())


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("guess", {}, "no inquiry is called 'guess'"),
        ("scan", {}, "scan: code"),
        ("tick_by_tick", {"symbol": "IBM", "seconds": MOST_SECONDS + 1}, "seconds"),
        ("tick_by_tick", {"symbol": "IBM", "kind": "Depth"}, "kind"),
        ("bulletins", {"seconds": "soon"}, "seconds"),
        ("what_if", {"symbol": "IBM", "action": "HOLD", "quantity": 5}, "action"),
        ("what_if", {"symbol": "IBM", "action": "BUY", "quantity": "nan"}, "quantity"),
        ("historical_ticks", {"symbol": "IBM", "end": "yesterday"}, "end"),
        ("profit", {"account": "DU1"}, "account"),
        ("executions", {"days": "all"}, "days"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_one_line(
    asker: Inquirer, name: str, arguments: dict[str, Any], why: str
) -> None:
    """The line names the inquiry and the argument."""
    with pytest.raises(InputError) as refused:
        await ask(asker, name, arguments)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("tick_by_tick", (PrintTick(AT, 3.25, 100.0, "ARCA", "I", False, True, AT),)),
        ("tick_by_tick", (TouchTick(AT, float("inf"), 3.5, 0.0, 200.0, AT),)),
        ("historical_ticks", (MidpointTick(AT, 3.25), MidpointTick(AT, 3.5))),
        ("scan", (ScanRow(0, Contract("IBM", 8314)),)),
        ("head_timestamp", AT),
        (
            "position_profit",
            PositionProfit(account="A", con_id=7, quantity=Decimal("-1.5"), daily=1.0, unrealized=-2.0, realized=0.0,
                           value=9.0, received_at=AT),
        ),
    ],
)  # fmt: skip
def test_an_answer_comes_back_as_it_was_sent(name: str, answer: Any) -> None:
    """Over JSON, each kind of tick as itself."""
    assert decode_answer(name, json.loads(encode_answer(name, answer))) == answer


def test_every_inquiry_says_what_it_asks() -> None:
    """Each has a docstring, and takes nothing by position but whom it asks."""
    for name, inquiry in INQUIRIES.items():
        assert inquiry.ask.__doc__, name
