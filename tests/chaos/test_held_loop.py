"""An engine that a headline holds for ever, or that dies: a human is told, and a fresh engine takes over, by policy."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from ib_async import IB

from momentum_kit.config import load_config
from momentum_kit.models import EngineStatus, TradingState
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.ownership import ControlAddress, StateFolder
from momentum_kit.storage.journal import query
from tests.chaos import held_engine
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import PATIENCE_S, configure, kill_process, wait_status, wait_until
from tests.helpers.alert_receiver import Receiver

HELD = 3  # positions


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The address that the environment names."""
    taker = Receiver()
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", taker.address)
    monkeypatch.setenv("MOMENTUM_KIT_DEAD_MAN_URL", taker.switch)
    yield taker
    taker.close()


class Session:
    """An engine that is held once it holds three positions."""

    def __init__(self, project: Path, port: int, monkeypatch: pytest.MonkeyPatch, **watchdog: Any) -> None:
        self.poison = project / "poison.txt"
        monkeypatch.setenv(held_engine.POISON, str(self.poison))
        self.config = configure(
            project, port, lasting=True, clock={"rate": 1200},
            risk={"max_positions": HELD, "max_total_notional_usd": 1e6}, watchdog=watchdog,
            alerts={"dead_man_every_s": 0.5},
        )  # fmt: skip
        self.folder = StateFolder.of(load_config(self.config))
        self.run_dir = project / "runs" / "held"
        self.run_dir.mkdir(parents=True)
        order = json.dumps({"config": str(self.config), "overrides": {}, "run_dir": str(self.run_dir)})
        self._engine = subprocess.Popen(
            [sys.executable, held_engine.__file__, order], stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.pid = self._engine.pid

    def until_holding(self) -> EngineStatus:
        """Start; its status once it holds all that it may."""
        client = self.client(wait_until(self.folder.address, "an engine listens"))
        client.start()
        return wait_status(client, lambda status: len(status.positions) == HELD, "three positions")

    def until_held(self) -> tuple[EngineStatus, float]:
        """Its last status, and the time at which the loop was held."""
        status = self.until_holding()
        self.poison.touch()
        wait_until(lambda: self.poison.read_text(), "the poison is read")
        return status, time.monotonic()

    def fresh(self) -> ControlClient:
        """The engine that took over."""

        def other() -> ControlAddress | None:
            address = self.folder.address()
            return address if address and address.pid != self.pid else None

        return self.client(wait_until(other, "a fresh engine listens"))

    def client(self, address: ControlAddress) -> ControlClient:
        """The endpoint."""
        return ControlClient(address, self.folder)

    def journalled(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the one journal that both engines have written."""
        return query(self.run_dir / "journal.db", sql)

    def close(self) -> None:
        """End what a test that failed has left."""
        self._engine.kill()
        self._engine.wait()
        if address := self.folder.address():
            kill_process(address.pid)

    def bury(self) -> int:
        """Wait for the first engine's end."""
        return self._engine.wait(PATIENCE_S)


@pytest.fixture
async def observer(gateway: Gateway) -> AsyncIterator[IB]:
    """A second, unmodified client of the gateway, which shares nothing with ours."""
    other = IB()
    await other.connectAsync("127.0.0.1", gateway.port, clientId=99, timeout=10)
    yield other
    other.disconnect()


@pytest.fixture
def sessions(project: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Session]]:
    """Makes the session of a test, with the watchdog's settings."""
    made = []

    def make(**watchdog: Any) -> Session:
        made.append(Session(project, gateway.port, monkeypatch, **watchdog))
        return made[-1]

    yield make
    for session in made:
        session.close()


async def covered(observer: IB, status: EngineStatus) -> bool:
    """Each position has its whole quantity in a working stop at the broker."""
    resting = await observer.reqAllOpenOrdersAsync()
    stops = {each.contract.conId: each.order.totalQuantity for each in resting if each.order.orderType == "STP"}
    return stops == {view.con_id: view.quantity for view in status.positions}


def proven_flat(gateway: Gateway, status: EngineStatus) -> None:
    """By the gateway's own truth: what was held was bought once and sold once, and no order came twice."""
    known = gateway.truth()
    assert known["positions"] == []
    assert not [order for order in known["orders"] if order["open"]]
    sent = [(order["order_ref"], order["action"], order["order_type"]) for order in known["orders"]]
    assert len(sent) == len(set(sent)) == 3 * HELD
    filled = {(order["con_id"], order["action"]): float(order["filled"]) for order in known["orders"]
              if float(order["filled"])}  # fmt: skip
    assert filled == {(view.con_id, action): view.quantity for view in status.positions for action in ("BUY", "SELL")}


async def test_an_engine_that_a_headline_holds_is_replaced_by_one_that_closes_everything(
    receiver: Receiver, gateway: Gateway, observer: IB, sessions: Callable[..., Session]
) -> None:
    """Told after 10 s, flat by a fresh engine, which hears the same headline again and leaves it unread."""
    session = sessions(then="restart_flatten")
    held, at = session.until_held()
    told_s = receiver.when("hangs: its loop has been held for 10 s") - at
    assert [ping for ping in receiver.pings if ping < at]
    since = [ping for ping in receiver.pings if at < ping < at + told_s]
    assert len(since) <= 1, "a held loop pings nobody; one ping was on its way"
    assert await covered(observer, held)
    fresh = session.fresh()
    flat = wait_status(fresh, lambda status: status.state is TradingState.REDUCE_ONLY, "flat, and it stays so")
    flat_s = time.monotonic() - at
    print(f"told after {told_s:.1f} s, flat after {flat_s:.1f} s")  # noqa: T201
    assert session.bury() == -signal.SIGKILL
    assert receiver.when(f"a fresh engine (pid {flat.pid}) took over") > at
    assert flat.positions == ()
    wait_until(lambda: receiver.pings[-1] > at + told_s, "the fresh engine vouches for itself")
    fresh.command("stop", "test")
    wait_until(lambda: not session.folder.owned, "the fresh one has ended")
    ((unread,),) = session.journalled("SELECT text FROM incidents WHERE text LIKE '%is not read%'")
    print(f"{len(held.positions)} positions were held; the fresh engine (pid {flat.pid}): {unread[:160]}")  # noqa: T201
    proven_flat(gateway, held)


class Unowned:
    """Looks all the time whether the account has an owner; how often it had none."""

    def __init__(self, folder: StateFolder) -> None:
        self.times = 0
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.001):
            self.times += not self._folder.owned


@pytest.mark.parametrize("then", ["restart_flatten", "restart_keep"])
async def test_an_engine_that_dies_is_followed_by_one_that_owns_what_it_held(
    then: str, receiver: Receiver, gateway: Gateway, observer: IB, sessions: Callable[..., Session]
) -> None:
    """SIGKILL: at no moment is the account without an owner or a position without its stop, and a human is told."""
    session = sessions(then=then)
    held = session.until_holding()
    begun = time.monotonic()
    with Unowned(session.folder) as unowned:
        kill_process(session.pid)
        assert session.bury() == -signal.SIGKILL
        assert await covered(observer, held)
        fresh = session.fresh()
    took_s = time.monotonic() - begun
    assert unowned.times == 0
    assert receiver.when("died without a last word") > begun
    status = wait_status(fresh, lambda status: status.state is TradingState.REDUCE_ONLY, "no entries until a resume")
    print(f"{then}: another engine after {took_s:.1f} s")  # noqa: T201
    if then == "restart_keep":
        kept = wait_status(fresh, lambda status: len(status.positions) == HELD, "all is known again")
        assert {view.symbol: view.quantity for view in kept.positions} == {
            view.symbol: view.quantity for view in held.positions
        }
        assert await covered(observer, kept)
    else:
        wait_status(fresh, lambda status: status.positions == (), "flat")
    assert receiver.when(f"a fresh engine (pid {status.pid}) took over") > begun
    fresh.command("stop", "test")
    wait_until(lambda: not session.folder.owned, "the fresh one has ended")
    proven_flat(gateway, held)


async def test_the_engine_that_followed_is_followed_as_well(
    receiver: Receiver, gateway: Gateway, sessions: Callable[..., Session]
) -> None:
    """Each has a watchdog of its own; the account is never without an owner, and free once the last one has ended.

    It dies as soon as it can be seen, when the watchdog that started it may not have seen it yet.
    """
    session = sessions(then="restart_keep")
    held = session.until_holding()
    with Unowned(session.folder) as unowned:
        kill_process(session.pid)
        session.bury()
        second = session.fresh()
        session.pid = second.address.pid
        kill_process(session.pid)
        third = session.fresh()
        wait_status(third, lambda status: len(status.positions) == HELD, "all is known once more")
    assert unowned.times == 0
    third.command("stop", "test")
    wait_until(lambda: not session.folder.owned, "the last one has ended")
    proven_flat(gateway, held)
