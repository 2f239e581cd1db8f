import asyncio

import pytest

from momentum_kit.models import Contract, ContractDetails
from momentum_kit.runtime.clock import ScaledClock, SteppedClock, WallClock
from momentum_kit.services import contracts
from momentum_kit.services.contracts import ContractBook, LookUp

FORD = Contract("F", con_id=103, primary_exchange="NYSE")


class Slow:
    """MarketData, contract details only: an answer that comes when it is told to."""

    def __init__(self) -> None:
        self.asked, self.answer_now = asyncio.Event(), asyncio.Event()

    async def fetch_contract_details(self, _contract: Contract) -> tuple[ContractDetails, ...]:
        """The one of Ford."""
        self.asked.set()
        await self.answer_now.wait()
        details = ContractDetails(
            contract=FORD, long_name="FORD MOTOR CO", min_tick=0.01, valid_exchanges=("SMART",), market_rule_ids=(26,),
            time_zone_id="US/Eastern", trading_hours="", liquid_hours="",
        )  # fmt: skip
        return (details,)


async def look_up(clock: WallClock | ScaledClock | SteppedClock, monkeypatch: pytest.MonkeyPatch) -> LookUp:
    """What becomes of a look-up whose answer comes when all patience by the wall is over."""
    monkeypatch.setattr(contracts, "LOOK_UP_LIMIT_S", 0.0)
    market = Slow()
    asking = asyncio.create_task(ContractBook(market, clock).look_up("F"))
    async with asyncio.timeout(60):
        await market.asked.wait()
    for _ in range(10):  # turns of the loop, in the first of which the limit is over
        await asyncio.sleep(0)
    market.answer_now.set()
    return await asking


async def test_no_wall_decides_on_a_contract_in_lock_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The market stands still meanwhile: a slow machine finds the same contract as a fast one."""
    assert (await look_up(SteppedClock(), monkeypatch)).contract == FORD


@pytest.mark.parametrize("clock", [WallClock(), ScaledClock(60)], ids=["the wall", "a fast market"])
async def test_a_slow_answer_holds_nothing_back_where_time_goes_on(
    clock: WallClock | ScaledClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up, as no answer, which is not remembered."""
    assert (await look_up(clock, monkeypatch)).reason == "no answer: too slow"
