"""`momentum-kit doctor`: is this machine, this configuration and this gateway ready for a session? Nothing is traded.

Each check is one line: what was looked at, what was found, and what to do about it. Checks go on after a failure as
far as they can, so that one look shows everything that is wrong.
"""

from collections.abc import AsyncIterator
from pathlib import Path

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import load_config
from momentum_kit.errors import MomentumKitError
from momentum_kit.runtime.doctor.finding import Finding, Grade
from momentum_kit.runtime.doctor.gateway_checks import Check, gateway_checks
from momentum_kit.runtime.doctor.machine_checks import calendar, disk, latches, software, symbol_names
from momentum_kit.runtime.ownership import StateFolder


async def examination(config_path: Path, project: Path, symbol: str, port: int | None) -> AsyncIterator[Finding]:
    """Every check in the order in which a session would need them, each finding as soon as it is there.

    port: of the gateway, instead of the configuration's. The gateway's answers take seconds.
    """
    yield software()
    try:
        config = load_config(config_path, {"broker.port": port} if port else None)
    except MomentumKitError as error:
        yield Finding("configuration", Grade.PROBLEM, str(error), "correct the file, then look again")
        return
    yield Finding(
        "configuration", Grade.OK, f"{config_path}: {config.environment}, thresholds {config.thresholds.name}"
    )
    yield disk(config, project)
    yield symbol_names(config, project)
    folder = StateFolder.of(config)
    for finding in (*latches(config, folder), calendar(config)):
        yield finding
    running = folder.address() is not None
    broker = config.broker
    bridge = IBKRBridge(
        broker.host,
        broker.port,
        broker.client_id + (1 if running else 0),
        connect_timeout_s=broker.connect_timeout_s,
        request_timeout_s=broker.request_timeout_s,
    )
    try:
        await bridge.connect()
    except MomentumKitError as error:
        advice = "start TWS or IB Gateway, enable its API socket on this port, and trust 127.0.0.1"
        yield Finding("gateway", Grade.PROBLEM, str(error), advice)
        return
    try:
        served = f"server version {bridge.health.server_version}, accounts {', '.join(bridge.managed_accounts)}"
        yield Finding("gateway", Grade.OK, f"{broker.host}:{broker.port}: {served}")
        for name, check in gateway_checks(bridge, config, folder, symbol, running=running):
            yield await _safely(name, check)
    finally:
        await bridge.disconnect()


async def _safely(name: str, check: Check) -> Finding:
    try:
        return await check()
    except MomentumKitError as error:
        return Finding(name, Grade.PROBLEM, str(error))
