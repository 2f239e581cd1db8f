"""The probe of a paper account, blind, against simulated brokers that do one thing or another."""

import asyncio
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from momentum_kit.bridge import IBKRBridge
from momentum_kit.cli import main
from momentum_kit.config import Config, find_project, load_config
from momentum_kit.errors import GuardRefused, InputError, StorageError
from momentum_kit.models import Contract, OrderAction, OrderRequest
from momentum_kit.runtime.probe import (
    ALTERNATIVES,
    BASIS,
    NOT_ASKED,
    WITHOUT_A_FILL,
    Probed,
    load_observed,
    probe_paper,
)
from momentum_kit.simgateway.embedding import BrokerAssumptions, Lag, ManualTrade, OrderPresets
from momentum_kit.simgateway.scenario import DropSocket
from momentum_kit.simgateway.server import SimulatedGateway

SPEED = 10  # a tenth of a second of this machine is a second of the market, and no more
WORLDS: tuple[dict[str, str], ...] = (
    {},
    {
        "first_status": "held", "cancel_status": "pending_first", "open_orders_reply": "order_and_status",
        "empty_executions": "silence", "staged_child": "transient_cancelled", "oca_member_cancelled": "group_lives",
        "oca_revision": "order_cancelled", "stop_type_change": "accepted", "good_after_time_in_group": "refused",
        "ioc_parent": "refused", "family_cap": "refused", "cancel_rights": "owner", "global_cancel": "own_orders",
        "fill_order": "execution_first", "opening_pnl": "zero", "closing_commission": "late",
        "foreign_executions": "own_client",
    },
    {
        "first_status": "direct", "good_after_time_in_group": "asleep", "family_cap": "uncapped",
        "cancel_rights": "client_0_too", "fill_order": "status_first", "closing_commission": "missing",
    },
    {"good_after_time_in_group": "inactive", "oca_revision": "order_cancelled"},
    {"good_after_time_in_group": "alone", "far_limit": "refused", "stop_first_echo": "clean"},
    {"good_after_time_in_group": "alone", "oca_member_cancelled": "group_lives"},
)  # fmt: skip
"""Answers to every switch that can be asked, each alternative that does not draw lots in one world at least."""


def configured(folder: Path, port: int, client_id: int = 17, **changed: Any) -> Config:
    """Of a simulated gateway."""
    project = find_project() / "config"
    written = {
        "environment": "sim",
        "broker": {"port": port, "account_prefix": "DU", "client_id": client_id},
        "clock": {"kind": "scaled", "rate": SPEED},
        "detection": {"thresholds": str(project / "thresholds" / "default.yaml")},
    } | changed
    (folder / "config").mkdir(parents=True)
    base = (project / "base.yaml").read_text(encoding="utf-8")
    (folder / "config" / "base.yaml").write_text(base, encoding="utf-8")
    (folder / "config" / "sim.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    return load_config(folder / "config" / "sim.yaml")


async def probed(folder: Path, world: dict[str, str], *, with_fill: bool = True) -> tuple[Probed, dict[str, Any]]:
    """The whole probe of one world, and the gateway's truth at its end."""
    async with SimulatedGateway("single", speed=SPEED, assumptions=world) as gateway:
        found = await probe_paper(
            configured(folder, gateway.port), symbol="AAPL", file=folder / "observed.yaml", ask=lambda _: True,
            tell=lambda _: None, with_fill=with_fill, quiet_s=0.4, patience_s=4.0,
        )  # fmt: skip
        return found, gateway.truth()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Latches and locks of this test alone."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))


async def test_every_world_is_named_rightly_or_left_undecided(tmp_path: Path) -> None:
    """Never wrong; twelve switches are decided without a fill where nothing hides them, four more by a round trip."""
    found = await asyncio.gather(*(probed(tmp_path / str(at), world) for at, world in enumerate(WORLDS)))
    for (result, truth), world in zip(found, WORLDS, strict=True):
        told = {each.switch: each for each in result.answers}
        assert set(told) | set(NOT_ASKED) == set(ALTERNATIVES)
        for name, each in told.items():
            is_so = world.get(name, getattr(BrokerAssumptions(), name))
            assert is_so in each.possible, f"{world}: {each}"
        assert sum(bool(each.decided) for each in result.answers) >= 15, "\n".join(map(str, result.answers))
        assert result.problems == ()
        assert truth["positions"] == []
        assert not any(order["open"] for order in truth["orders"])
        assert load_observed(result.file) == {each.switch: each.decided for each in result.answers if each.decided}
        assert BASIS in result.file.read_text(encoding="utf-8")
        assert result.file.with_suffix(".jsonl").read_text(encoding="utf-8").count("\n") > 50


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something in the gateway's own books, which call nobody."""
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_only_what_is_agreed_to_is_done(tmp_path: Path) -> None:
    """Each step is asked; without a yes nothing is sent, and the share is never bought unless that was wanted."""
    asked: list[str] = []

    def no(words: str) -> bool:
        asked.append(words)
        return False

    async with SimulatedGateway("single", speed=SPEED) as gateway:
        config = configured(tmp_path, gateway.port)
        found = await probe_paper(config, symbol="AAPL", file=tmp_path / "o.yaml", ask=no, tell=print, quiet_s=0.1)
        assert gateway.truth()["orders"] == []
    assert (found.answers, len(asked)) == ((), len(WITHOUT_A_FILL))
    assert not any("BOUGHT" in words for words in asked)


async def test_it_ends_as_it_began_where_it_is_broken_off(tmp_path: Path) -> None:
    """A person interrupts in the middle of a step: what was sent is cancelled."""
    async with SimulatedGateway("single", speed=SPEED) as gateway:
        config = configured(tmp_path, gateway.port)
        begun = asyncio.Event()
        probing = asyncio.create_task(
            probe_paper(
                config,
                symbol="AAPL",
                file=tmp_path / "o.yaml",
                ask=lambda _: begun.set() is None,
                tell=print,
                quiet_s=0.5,
            )
        )
        await begun.wait()
        await until(lambda: any(order["open"] for order in gateway.truth()["orders"]))
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        assert not any(order["open"] for order in gateway.truth()["orders"])


async def test_another_client_of_it_cancels_its_own_where_it_is_broken_off(tmp_path: Path) -> None:
    """Nobody else may, in this world: it does so before it goes."""
    world = {"cancel_rights": "owner", "global_cancel": "own_orders"}
    async with SimulatedGateway("single", speed=SPEED, assumptions=world) as gateway:
        config = configured(tmp_path, gateway.port)
        probing = asyncio.create_task(
            probe_paper(
                config, symbol="AAPL", file=tmp_path / "o.yaml", ask=lambda words: "more clients" in words, tell=print,
                quiet_s=0.5,
            )
        )  # fmt: skip
        other = config.broker.client_id + 1
        await until(lambda: any(each["client_id"] == other and each["open"] for each in gateway.truth()["orders"]))
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        assert not any(order["open"] for order in gateway.truth()["orders"])


@pytest.mark.parametrize(
    ("what", "words"), [("held", "begins with nothing held"), ("working", "begins with nothing working")]
)
async def test_it_begins_with_nothing(tmp_path: Path, what: str, words: str) -> None:
    """Something of the account's owner is there: nothing is sent."""
    async with SimulatedGateway("single", speed=SPEED) as gateway:
        config = configured(tmp_path, gateway.port)
        if what == "held":
            gateway.inject(ManualTrade(symbol="AAPL", action="BUY", quantity=5))
        else:
            async with IBKRBridge("127.0.0.1", gateway.port, 17) as bridge:
                contract = (await bridge.fetch_contract_details(Contract("AAPL")))[0].contract
                terms = {"action": OrderAction.BUY, "quantity": Decimal(1), "order_type": "LMT", "limit_price": 1.0}
                await bridge.place_order(contract, OrderRequest(**terms, tif="GTC"))
                async with asyncio.timeout(10):
                    await anext(bridge.stream_order_events())
        with pytest.raises(GuardRefused, match=words):
            await probe_paper(config, symbol="AAPL", file=tmp_path / "o.yaml", ask=lambda _: True, tell=print)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it has no `assumptions`"),
        ("[1]", "it has no `assumptions`"),
        ("assumptions: {moon: full}", "no question 'moon'"),
        ("assumptions: {opening_pnl: often}", "'often' is none of unset, zero"),
        ("assumptions: {opening_pnl: [zero]}", "is none of"),
        ("a: [", "line 1: not valid YAML"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    """One line that says what is wrong."""
    (file := tmp_path / "o.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        load_observed(file)


async def test_at_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    """Each step is put to a person, whose yes to the second alone asks one question; the gateway takes the file."""
    async with SimulatedGateway("single", speed=SPEED) as gateway:
        configured(tmp_path, gateway.port)
        answers = "\n".join("y" if at == 1 else "n" for at in range(len(WITHOUT_A_FILL)))
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{answers}\n"))
        words = ["doctor", "--probe-paper", "--config", str(tmp_path / "config" / "sim.yaml")]
        status = await asyncio.to_thread(main, [*words, "--out", str(tmp_path / "o.yaml")])
    said = capsys.readouterr()
    assert (status, "1 decided, 0 undecided" in said.out) == (0, True)
    assert "empty_executions: end" in said.out
    assert "What paper can not tell" in said.err
    assert load_observed(tmp_path / "o.yaml") == {"empty_executions": "end"}


def test_a_round_trip_is_part_of_a_probe(capsys: pytest.CaptureFixture) -> None:
    """It never stands alone."""
    assert main(["doctor", "--round-trip"]) == 2
    assert capsys.readouterr().err == "--round-trip: only with --probe-paper\n"


async def test_never_on_a_live_account(tmp_path: Path) -> None:
    """Refused before anything connects."""
    config = configured(tmp_path, 1)
    with pytest.raises(GuardRefused, match="paper accounts only"):
        await probe_paper(
            config.model_copy(update={"environment": "live"}), symbol="AAPL", file=tmp_path / "o.yaml",
            ask=lambda _: True, tell=print,
        )  # fmt: skip


Fault = Callable[[SimulatedGateway], None]


async def struck(
    folder: Path,
    fault: Fault,
    *,
    world: dict[str, str] | None = None,
    when: str = "working",
    only: str = "",
    with_fill: bool = False,
) -> tuple[Probed, dict[str, Any], list[str]]:
    """A probe that something happens to: before it begins (""), or once orders work or have filled; what was told."""
    told: list[str] = []
    async with SimulatedGateway("single", speed=SPEED, assumptions=world or {}) as gateway:
        config = configured(folder, gateway.port)
        if not when:
            fault(gateway)
        probing = asyncio.create_task(
            probe_paper(
                config, symbol="AAPL", file=folder / "o.yaml", ask=lambda words: only in words, tell=told.append,
                with_fill=with_fill, quiet_s=0.3, patience_s=0.8,
            )
        )  # fmt: skip
        if when:
            await until(lambda: any(order["open"] for order in gateway.truth()["orders"]) or probing.done())
            fault(gateway)
        found = await probing
        gateway.catch_up()
        return found, gateway.truth(), told


async def test_a_share_that_a_person_bought_is_his(tmp_path: Path) -> None:
    """It is never sold: only what its own executions bought is."""
    buy = ManualTrade(symbol="AAPL", action="BUY", quantity=1)
    _, truth, _ = await struck(tmp_path, lambda gateway: gateway.inject(buy), only="eight orders")
    assert [each["quantity"] for each in truth["positions"]] == ["1"]


async def test_nothing_is_sold_twice_where_words_are_late(tmp_path: Path) -> None:
    """Positions and commissions come seconds after the sale: one purchase, one sale, flat."""

    def late(gateway: SimulatedGateway) -> None:
        for of in ("positions", "commissions", "executions"):
            gateway.inject(Lag(of=of, lag_ms=4_000))

    _, truth, _ = await struck(tmp_path, late, when="", only="BOUGHT", with_fill=True)
    assert truth["positions"] == []
    assert len(truth["fills"]) == 2


async def test_a_lost_connection_leaves_nothing_working(tmp_path: Path) -> None:
    """The orders of the step are cancelled over a new one."""
    _, truth, told = await struck(tmp_path, lambda gateway: gateway.inject(DropSocket()), only="eight orders")
    assert not any(order["open"] for order in truth["orders"])
    assert any("the connection was lost" in words for words in told)


async def test_a_step_that_fails_keeps_what_was_learnt(tmp_path: Path) -> None:
    """The id of the other client is taken: its questions are not asked, and all the others are answered."""
    async with SimulatedGateway("single", speed=SPEED) as gateway:
        config = configured(tmp_path, gateway.port)
        async with IBKRBridge("127.0.0.1", gateway.port, 18):
            found = await probe_paper(
                config, symbol="AAPL", file=tmp_path / "o.yaml", tell=print, quiet_s=0.2, patience_s=1.0,
                ask=lambda words: "executions" in words or "more clients" in words,
            )  # fmt: skip
    assert [each.switch for each in found.answers] == ["empty_executions"]
    assert load_observed(tmp_path / "o.yaml") == {"empty_executions": "end"}


async def test_where_presets_refuse_every_order_nothing_is_concluded(tmp_path: Path) -> None:
    """No list of no orders, no child of no parent: what could not be asked is left undecided."""
    world = {
        "open_orders_reply": "order_and_status", "staged_child": "transient_cancelled", "family_cap": "refused",
        "ioc_parent": "refused", "cancel_rights": "owner",
    }  # fmt: skip
    found, _, _ = await struck(
        tmp_path, lambda gateway: gateway.inject(OrderPresets(percentage=3.0)), world=world, when=""
    )
    for each in found.answers:
        assert world.get(each.switch, getattr(BrokerAssumptions(), each.switch)) in each.possible, str(each)


async def test_another_clients_order_bars_it(tmp_path: Path) -> None:
    """A global cancel could end it: the probe does not begin."""
    async with SimulatedGateway("single", speed=SPEED) as gateway:
        config = configured(tmp_path, gateway.port)
        async with IBKRBridge("127.0.0.1", gateway.port, 5) as bridge:
            contract = (await bridge.fetch_contract_details(Contract("AAPL")))[0].contract
            terms = {"action": OrderAction.BUY, "quantity": Decimal(7), "order_type": "LMT", "limit_price": 1.0}
            await bridge.place_order(contract, OrderRequest(**terms, tif="GTC"))
            async with asyncio.timeout(10):
                await anext(bridge.stream_order_events())
        with pytest.raises(GuardRefused, match="nothing working: 1 orders"):
            await probe_paper(config, symbol="AAPL", file=tmp_path / "o.yaml", ask=lambda _: True, tell=print)
        assert [order["open"] for order in gateway.truth()["orders"]] == [True]


async def test_a_file_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    """Nothing connects, nothing is sent."""
    with pytest.raises(StorageError, match="can not be written there"):
        await probe_paper(
            configured(tmp_path, 1), symbol="AAPL", file=tmp_path / "none" / "o.yaml", ask=lambda _: True, tell=print
        )
