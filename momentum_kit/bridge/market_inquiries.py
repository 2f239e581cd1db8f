"""MarketInquiries: what a notebook asks of the market beyond what a session needs; each method is a line or three."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from momentum_kit.bridge import convert, events, inquiry_values
from momentum_kit.bridge.asking import Asking, known
from momentum_kit.bridge.gateway_link import GatewayLink
from momentum_kit.bridge.pacing import MARGIN_S, Pacing, RateWindow
from momentum_kit.bridge.streams import Stream
from momentum_kit.bridge.times import request_time
from momentum_kit.errors import InputError, NoData
from momentum_kit.models import (
    Bar,
    Bulletin,
    Contract,
    MarketDataType,
    Scan,
    ScanRow,
    SessionHours,
    SingleTick,
    TickKind,
)

MOST_TICKS = 1000  # IB gives no more in one answer
MOST_SCANS = 10  # at a time
SAME_TICKS_S = 15.0  # between two tick-by-tick requests for one instrument
TICK_SERIES = ("TRADES", "BID_ASK", "MIDPOINT")
BAR_SERIES = ("TRADES", "MIDPOINT", "BID", "ASK")


class MarketInquiries(Asking):
    """Scans, single ticks, 5 s bars, the reach and the hours of history, bulletins, delayed data."""

    def __init__(self, link: GatewayLink, pacing: Pacing) -> None:
        super().__init__(link, pacing)
        self._scans = asyncio.Semaphore(MOST_SCANS)
        self._tick_turns: dict[int | Contract, RateWindow] = {}
        self._tick_pacing = pacing.ticks

    async def fetch_scanner_parameters(self) -> str:
        """IB's own document of all scan codes, locations and filters: about 2 MB of XML."""
        text: str = (await self._ask_by_name(events.SCANNER_PARAMETERS, "reqScannerParameters"))[0]
        return text

    async def fetch_scan(self, scan: Scan) -> tuple[ScanRow, ...]:
        """The ranking as of now, best first, at most 50; () where nothing passes."""
        subscription, filters = inquiry_values.to_ib_scan(scan)
        async with self._scans:
            return await self._ask(
                f"scan {scan.code}",
                "reqScannerSubscription",
                subscription,
                [],
                filters,
                cancel="cancelScannerSubscription",
                always=True,
            )

    def stream_ticks(self, contract: Contract, kind: TickKind | str = TickKind.LAST) -> Stream[SingleTick]:
        """Every print or every change of the touch; never dropped. IB gives 5 instruments with 100 lines.

        RequestFailed reaches the reader where there is no live subscription (10189) or none left (10190).
        """
        kind = one_of(kind, tuple(TickKind), "kind of single ticks")
        return self._stream(
            f"{kind} ticks of {contract}",
            "reqTickByTickData",
            convert.to_ib_contract(contract),
            str(kind),
            0,
            False,
            cancel="cancelTickByTickData",
            turn=lambda: self._tick_turn(contract.con_id or contract),
        )

    def stream_real_time_bars(self, contract: Contract, what: str = "TRADES", use_rth: bool = False) -> Stream[Bar]:
        """Bars of 5 s as each closes, empty ones included; they draw on the allowance of small history bars."""
        what = one_of(what, BAR_SERIES, "series of 5 s bars")
        return self._stream(
            f"5 s bars of {contract}",
            "reqRealTimeBars",
            convert.to_ib_contract(contract),
            inquiry_values.REAL_TIME_BAR_S,
            what,
            use_rth,
            [],
            cancel="cancelRealTimeBars",
            turn=lambda: self._small_bar_turn(contract, ("live", use_rth), what),
        )

    async def fetch_historical_ticks(
        self,
        contract: Contract,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        count: int = MOST_TICKS,
        what: str = "TRADES",
        use_rth: bool = False,
    ) -> tuple[SingleTick, ...]:
        """So many ticks from `start` on, or up to `end`; the last second is whole, so that it may be a few more.

        Raises InputError unless one of both is given; NoData where there are none.
        """
        what = one_of(what, TICK_SERIES, "series of ticks")
        if (start is None) == (end is None):
            raise InputError("historical ticks need a start or an end, and not both")
        if not 1 <= count <= MOST_TICKS:
            raise InputError(f"historical ticks come 1 to {MOST_TICKS} at a time, not {count}")
        asked: tuple[Any, ...] = (request_time(start), request_time(end), count, what, int(use_rth), False, [])
        ticks = await self._paced(
            "historical ticks", "reqHistoricalTicks", contract, asked, what=what, cancel="cancelHistoricalTicks"
        )
        if not ticks:
            raise NoData(162, f"no {what} ticks of {contract}")
        return ticks

    async def fetch_head_timestamp(self, contract: Contract, what: str = "TRADES", use_rth: bool = True) -> datetime:
        """When IB's history of a series begins; paced as a request for small bars."""
        asked = (what, int(use_rth), 2)  # 2: as epoch seconds
        answer = await self._paced(
            "head timestamp", "reqHeadTimeStamp", contract, asked, what=what, cancel="cancelHeadTimeStamp"
        )
        at: datetime = answer[0]
        return at

    async def fetch_schedule(
        self, contract: Contract, end: datetime | None = None, duration: str = "5 D", use_rth: bool = True
    ) -> tuple[SessionHours, ...]:
        """Trading sessions of the past, in time order; NoData where IB has none."""
        hours = await self._ask(
            f"schedule of {contract}",
            "reqHistoricalData",
            convert.to_ib_contract(contract),
            request_time(end),
            duration,
            "1 day",
            "SCHEDULE",
            int(use_rth),
            2,
            False,
            [],
            cancel="cancelHistoricalData",
        )
        if not hours:
            raise NoData(162, f"no schedule of {contract} for {duration}")
        return tuple(sorted(hours, key=lambda one: one.opens))

    def stream_bulletins(self) -> Stream[Bulletin]:
        """IB's words to all: exchanges that fail and come back. The first reader gets those of today first."""
        return Stream(self._session.bulletin_feed(), keeps=self)

    async def allow_data_type(self, data_type: MarketDataType) -> None:
        """What lines that are asked for from now on may fall back to; DELAYED where there is no live subscription.

        It holds for this connection. What is delayed says so in each quote's data_type, and may not be traded on.
        """
        await self._session.send("reqMarketDataType", int(data_type))

    # -- pacing -------------------------------------------------------------------------------------------------------

    async def _paced(
        self, name: str, request: str, contract: Contract, asked: tuple[Any, ...], *, what: str, cancel: str = ""
    ) -> tuple[Any, ...]:
        """Hold one of the open history requests and wait for a small bar's turn; then ask."""
        session = self._session
        req_id = session.requests.next_id()
        async with AsyncExitStack() as stack:

            async def send(handed_over: Callable[[], None]) -> None:
                key = contract.con_id or contract
                identical = (key, request, *map(str, asked))
                await stack.enter_async_context(self._history.slot(key, identical, 1, what))
                await session.send(request, req_id, convert.to_ib_contract(contract), *asked, at_hand_over=handed_over)

            return await session.requests.ask(
                req_id,
                send,
                f"{name} of {contract}",
                cancel=(lambda: session.send_quietly(cancel, req_id)) if known(cancel, session) else None,
            )

    async def _small_bar_turn(self, contract: Contract, kind: tuple[Any, ...], what: str) -> None:
        key = contract.con_id or contract
        async with self._history.slot(key, (key, *kind), inquiry_values.REAL_TIME_BAR_S, what):
            pass

    async def _tick_turn(self, key: int | Contract) -> None:
        loop = asyncio.get_running_loop()
        window = self._tick_turns.setdefault(key, RateWindow(1, SAME_TICKS_S + MARGIN_S))
        while self._tick_pacing:
            delay_s = window.delay_s(loop.time())
            if delay_s <= 0:
                window.record(loop.time())
                return
            await asyncio.sleep(delay_s)


def one_of(value: str, known: tuple[str, ...], what: str) -> str:
    """The value, if it is one that IB knows; InputError otherwise."""
    if value not in known:
        raise InputError(f"unknown {what} {str(value)!r}; IB's are {', '.join(map(str, known))}")
    return value
