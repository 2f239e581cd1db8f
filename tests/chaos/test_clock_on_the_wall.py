"""A market that waits for nobody, as a real one: sessions come to an end in time, and flat is seen as flat."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from momentum_kit.models.session import TradingState
from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.storage.journal import query
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import Run, client_of, configure, wait_status

SPEED = 30.0


@pytest.fixture
def market(project: Path) -> Iterator[Gateway]:
    """A gateway whose market runs by the wall, at many times its speed."""
    served = Gateway(project, speed=SPEED)
    yield served
    served.close()


def by_the_wall(project: Path, gateway: Gateway) -> Path:
    """A configuration whose clock follows that market; what is held stays until a command."""
    ages = {"max_signal_age_s": 120, "max_quote_age_s": 60}  # of the market: some seconds of a busy machine
    clock = {"kind": "scaled", "rate": SPEED}
    return configure(project, gateway.port, lasting=True, clock=clock, risk=ages, detection={"max_quote_age_s": 150})


def incidents(kit: Kit) -> set[str]:
    """Kinds of what was told a human."""
    return {kind for (kind,) in query(kit.run_dir / "journal.db", "SELECT kind FROM incidents")}


async def test_flatten_and_stop_come_to_an_end(project: Path, market: Gateway) -> None:
    """Both are over when nothing is held, long before the time at which a human is alarmed."""
    config = by_the_wall(project, market)
    kit = await Kit.open(config)
    await kit.start()
    client = client_of(config)
    wait_status(client, lambda status: status.positions, "a position")
    await kit.flatten()
    flat = wait_status(client, lambda status: status.state is TradingState.REDUCE_ONLY, "flat")
    assert flat.positions == ()
    await kit.resume()
    final = await kit.stop()
    assert final.state is TradingState.STOPPED
    assert "flatten" not in incidents(kit)
    assert market.truth()["positions"] == []


async def test_a_kill_is_over_when_flat(project: Path, market: Gateway) -> None:
    """Killed with a position: flat, latched, and nobody is told that it took too long."""
    config = by_the_wall(project, market)
    kit = await Kit.open(config)
    await kit.start()
    wait_status(client_of(config), lambda status: status.positions, "a position")
    await kit.kill()
    final = await kit.wait()
    assert (final.state, final.positions) == (TradingState.KILLED, ())
    assert "flatten" not in incidents(kit)
    assert market.truth()["positions"] == []


def test_a_run_ends_at_its_time(project: Path, market: Gateway) -> None:
    """`--until` by the wall: exit status 0, flat, no incident of a flatten that took too long."""
    run = Run(project, by_the_wall(project, market), market.port, "--until", "5m")
    try:
        status, errors = run.end()
    finally:
        run.close()
    assert (status, errors) == (0, "")
    assert "flatten" not in run.summary["incidents"]
    assert market.truth()["positions"] == []
