"""`momentum-kit doctor`: is this machine, this configuration and this gateway ready for a session? Nothing is traded.

Each check is one line: what was looked at, what was found, and what to do about it. Checks go on after a failure as
far as they can, so that one look shows everything that is wrong; the whole look takes at most LOOK_S.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import load_config
from momentum_kit.errors import MomentumKitError, NotConnected, RequestTimeout
from momentum_kit.models import LinkState
from momentum_kit.runtime.doctor.finding import Finding, Grade
from momentum_kit.runtime.doctor.gateway_checks import GatewayLook
from momentum_kit.runtime.doctor.machine_checks import calendar, disk, latches, software, state, strategy, symbol_names
from momentum_kit.runtime.doctor.market_checks import Heard
from momentum_kit.runtime.ownership import StateFolder

LOOK_S = 28.0  # with what closing the connection takes, a look is over within 30 s
CONNECT_S, ANSWER_S, GREETING_S = 8.0, 12.0, 5.0
_REMEDIES = (  # what a failure to connect says, and what helps
    ("nobody listens", "start TWS or IB Gateway, and enable its API socket on this port"),
    (
        "is silent",
        "the gateway hangs or waits for a person: look at its window (log-in, two-factor, a dialog), restart",
    ),
    ("named no account", "the gateway is not logged in yet: look at its window (log-in, two-factor, a dialog)"),
    ("is in use", "end the other program, or change broker.client_id"),
    ("too old", "update TWS or IB Gateway"),
    ("cannot be reached", "correct broker.host, or open the way to it (network, firewall)"),
)


async def examination(config_path: Path, project: Path, symbol: str, port: int | None) -> AsyncIterator[Finding]:
    """Every check in the order in which a session would need them, each finding as soon as it is there.

    port: of the gateway, instead of the configuration's. The gateway's answers take seconds.
    """
    deadline = asyncio.get_running_loop().time() + LOOK_S
    yield software()
    try:
        config = load_config(config_path, {"broker.port": port} if port else None)
    except MomentumKitError as error:
        yield Finding("configuration", Grade.PROBLEM, str(error), "correct the file, then look again")
        return
    yield Finding(
        "configuration", Grade.OK, f"{config_path}: {config.environment}, thresholds {config.thresholds.name}"
    )
    if (judged := strategy(config)) is not None:
        yield judged
    yield disk(config, project)
    yield state(config)
    yield symbol_names(config, project)
    folder = StateFolder.of(config)
    for finding in (*latches(config, folder), calendar(config)):
        yield finding
    running, heard = folder.address() is not None, Heard()
    broker = config.broker
    bridge = IBKRBridge(
        broker.host,
        broker.port,
        broker.client_id + (1 if running else 0),
        connect_timeout_s=min(broker.connect_timeout_s, CONNECT_S),
        request_timeout_s=min(broker.request_timeout_s, ANSWER_S),
        on_incident=heard.hear,
    )
    try:
        await bridge.connect()
    except MomentumKitError as error:
        advice = "start TWS or IB Gateway, enable its API socket on this port, and trust 127.0.0.1"
        found = next((remedy for words, remedy in _REMEDIES if words in str(error)), advice)
        yield Finding("gateway", Grade.PROBLEM, str(error), found)
        return
    try:
        served = f"server version {bridge.health.server_version}, accounts {', '.join(bridge.managed_accounts)}"
        link = await _link(bridge)
        yield Finding("gateway", Grade.OK, f"{broker.host}:{broker.port}: {served}")
        yield link
        if link.grade is Grade.PROBLEM:
            return
        look = GatewayLook(bridge, config, folder, symbol=symbol, running=running, heard=heard)
        async for finding in look.findings(deadline):
            yield finding
    finally:
        await bridge.disconnect()


async def _link(bridge: IBKRBridge) -> Finding:
    """Whether the gateway answers at all, and whether it has IB behind it: told right after the greeting."""
    try:
        async with asyncio.timeout(GREETING_S):
            await bridge.fetch_current_time()
            await bridge.applied()
    except (RequestTimeout, NotConnected, TimeoutError):
        advice = "it took the connection and is dumb since: look at its window (a dialog?), then restart it"
        return Finding("link to IB", Grade.PROBLEM, f"silent: no answer to the time within {GREETING_S:g} s", advice)
    if bridge.health.broker is LinkState.DOWN:
        advice = (
            "orders that rest at IB live on; look at the gateway's window: its network, IB's nightly maintenance "
            "(00:15 to 01:45 in New York), the weekly log-in; nothing else can be looked at until it is back"
        )
        return Finding("link to IB", Grade.PROBLEM, "the gateway has lost IB (1100, 2110)", advice)
    return Finding("link to IB", Grade.OK, "the gateway answers and has IB behind it")
