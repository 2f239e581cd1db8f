"""InquiryDesk: asks the broker for a notebook, over a connection of its own, so that no question touches an order.

What is asked here comes back under other ids, on another socket: an order of somebody else, an execution of last week
or delayed data can never reach the services that trade. It is opened by the first inquiry and held until the engine
ends; one that was lost is opened anew.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from momentum_kit.bridge import IBKRBridge, Pacing
from momentum_kit.config import Config
from momentum_kit.errors import EngineError, NoData, RequestTimeout
from momentum_kit.models import Contract, GatewaySettings, LinkState
from momentum_kit.runtime.inquiries.catalogue import Inquirer, ask, encode_answer

ANSWER_S = 75.0  # for its turn and its answer; whoever asks waits a little longer
CLIENT_ID_ABOVE = 2  # beside the trading client and what looks over its shoulder (doctor, downloads)


class InquiryDesk:
    """account: whose; now: market time, which stamps what is received. spill_dir: as IBKRBridge has it.

    pacing: the session's, of whose history a share may be taken.
    """

    def __init__(
        self,
        config: Config,
        *,
        account: Callable[[], str],
        now: Callable[[], datetime],
        pacing: Pacing,
        spill_dir: Path,
    ) -> None:
        broker, real_time = config.broker, config.clock.kind == "wall"
        self._account = account
        self._bridge = IBKRBridge(
            broker.host,
            broker.port,
            broker.client_id + CLIENT_ID_ABOVE,
            now=now,
            connect_timeout_s=broker.connect_timeout_s,
            request_timeout_s=broker.request_timeout_s,
            pacing=pacing.for_research(broker.messages_per_s if real_time else float("inf")),
            spill_dir=spill_dir,
        )
        self._connecting = asyncio.Lock()
        self._one_quote = asyncio.Lock()
        self._contracts: dict[str, Contract] = {}
        self._closed = False

    async def ask(self, name: str, arguments: Mapping[str, Any]) -> str:
        """One answer, as JSON; InputError for what cannot be asked, errors of the broker pass through."""
        await self._connect()
        asker = Inquirer(
            bridge=self._bridge, account=self._account(), contract=self._contract, one_quote=self._one_quote
        )
        listening_s = arguments.get("seconds", 0.0)
        limit_s = ANSWER_S + (listening_s if isinstance(listening_s, int | float) else 0.0)
        try:
            async with asyncio.timeout(limit_s):
                return encode_answer(name, await ask(asker, name, arguments))
        except TimeoutError:
            health = self._bridge.health
            why = f"; {health.waiting} requests wait for their turn within IB's limits" if health.waiting else ""
            raise RequestTimeout(f"{name}: no answer within {limit_s:g} s{why}; ask again later") from None

    async def gateway_settings(self) -> GatewaySettings:
        """What the gateway tells of its own API settings."""
        await self._connect()
        return await self._bridge.fetch_gateway_settings()

    async def close(self) -> None:
        """Give the connection back."""
        async with self._connecting:
            self._closed = True
            await self._bridge.disconnect()

    async def _connect(self) -> None:
        async with self._connecting:
            if self._closed:
                raise EngineError("the engine is on its way out")
            if self._bridge.health.socket is not LinkState.UP:
                await self._bridge.connect()

    async def _contract(self, symbol: str) -> Contract:
        known = self._contracts.get(symbol)
        if known is None:
            try:
                found = await self._bridge.fetch_contract_details(Contract(symbol))
            except NoData as error:
                raise NoData(error.code, f"{symbol}: {error.text}", error.advice) from None
            known = self._contracts[symbol] = found[0].contract
        return known
