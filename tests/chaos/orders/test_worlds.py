"""A few random worlds of the order services in every run of the tests; `make chaos` plays thousands."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from momentum_kit.simgateway.embedding import AAPL, BustedTrade, ManualCancel, ManualTrade
from tests.chaos.orders.boundaries import SMALL_WORLD, boundaries, worlds
from tests.chaos.orders.lives import play
from tests.chaos.orders.run import describe, kind_of
from tests.chaos.orders.worlds import DEATHS, Command, Death, Deed, Listing, Mishap, Signal, World, draw_world, simpler
from tests.helpers.trading_floor import steady

ROOT = Path(__file__).parents[3]
SEEDS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18)  # in each of them something is bought


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_world_ends_well(tmp_path: Path, seed: int) -> None:
    """Whatever goes wrong in it: nothing sold that is not ours, nothing bare, and in the end all is settled."""
    outcome = await play(draw_world(seed), tmp_path)
    assert not outcome.violations, "\n".join(describe(outcome))
    assert outcome.fills


async def test_the_boundaries_of_a_small_world(tmp_path: Path) -> None:
    """Whenever the services die and whatever strikes beside it, no order is wrong and no fill lost; a few of all."""
    calm = await play(SMALL_WORLD, tmp_path)
    assert not calm.violations, "\n".join(describe(calm))
    assert {what for _, what, _ in boundaries(calm)} == {*DEATHS} - {"write"}
    for number, (name, world) in enumerate(random.sample([*worlds(calm)], 8)):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcome = await play(world, folder)
        assert not outcome.violations, "\n".join([name, *describe(outcome)])


def test_worlds_with_processes_end_well() -> None:
    """The engine in a process of its own, ended by SIGKILL at drawn points and started anew: two worlds of many."""
    words = [sys.executable, "-m", "tests.chaos.orders.processes", "--runs", "2", "--seed", "6", "--no-shrink"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["violations: 0"], done.stdout + done.stderr
    assert "4 lives" in done.stdout
    assert done.returncode == 0


def quiet_world(*deeds: Deed) -> World:
    """One symbol whose price stands still, bought at second 2."""
    listing = Listing(AAPL, tuple(steady(5.0, 40, 20_000)))
    signal = Signal(second=2, con_id=AAPL.con_id, item="story:1", atr=0.01)
    return World(
        seed=1,
        seconds=40,
        listings=(listing,),
        deeds=(signal, *deeds),
        assumptions={"oca_member_cancelled": "group_lives"},
        flatten_at_end=False,
    )


async def test_what_a_person_sold_is_let_go(tmp_path: Path) -> None:
    """Shares of ours that were sold by hand: no order sells them again, and a human is told."""
    outcome = await play(quiet_world(Mishap(second=8, fault=ManualTrade(symbol="AAPL", quantity=10_000))), tmp_path)
    assert not outcome.violations, "\n".join(describe(outcome))
    assert any("are gone" in line for line in outcome.story)


async def test_a_position_that_nobody_protects_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guardian that never places a stop where one was cancelled is found, at the bound and at the end."""
    monkeypatch.setattr("momentum_kit.services.execution.guardian.protective_moves", lambda *_: ())
    outcome = await play(quiet_world(Mishap(second=8, fault=ManualCancel(symbol="AAPL", order_type="STP"))), tmp_path)
    assert {kind_of(violation) for violation in outcome.violations} >= {"bare", "unprotected at the end"}


async def test_a_session_that_dies_between_two_legs_is_survived(tmp_path: Path) -> None:
    """Right after the second leg of a bracket nothing is at work at the broker yet: the next life finds it so."""
    deeds = (
        Death(second=1, doing="place", times=2, after=True),
        Signal(second=12, con_id=AAPL.con_id, item="story:2", atr=0.01),
    )
    outcome = await play(quiet_world(*deeds), tmp_path)
    assert outcome.lives == 2
    assert outcome.entries == 1
    assert not outcome.violations, "\n".join(describe(outcome))


async def test_a_time_exit_goes_when_all_is_sold_though_a_person_has_bought_some(tmp_path: Path) -> None:
    """Where the group does not take it along: it would sell the person's shares, which no witness calls ours."""
    deeds = (
        Command(second=6, what="flatten"),
        Mishap(second=6, fault=ManualTrade(symbol="AAPL", action="BUY", quantity=52)),
    )
    world = quiet_world(*deeds)
    settings = {**world.settings, "time_exit_at_broker": True, "time_stop_s": 30.0}
    outcome = await play(replace(world, settings=settings, assumptions={"good_after_time_in_group": "alone"}), tmp_path)
    assert outcome.fills >= 2
    assert not outcome.violations, "\n".join(describe(outcome))


async def test_what_is_left_of_a_position_that_is_sold_goes_though_a_person_has_bought_some(tmp_path: Path) -> None:
    """A time exit sold all while nobody was there, and its group left stop and target: for shares of a person's.

    Our executions name every share bought and sold, so that two answers with his are his: within the lag of positions.
    """
    deeds = (
        Death(second=8, doing="now", down_s=20),
        Mishap(second=12, fault=ManualTrade(symbol="AAPL", action="BUY", quantity=52)),
    )
    world = quiet_world(*deeds)
    settings = {**world.settings, "time_exit_at_broker": True, "time_stop_s": 15.0}
    outcome = await play(replace(world, settings=settings, assumptions={"good_after_time_in_group": "alone"}), tmp_path)
    assert outcome.fills == 2
    lasting = [violation for violation in outcome.violations if "could sell more than is held" not in violation]
    assert not lasting, "\n".join(describe(outcome))
    assert any("52 of it not ours" in line for line in outcome.story)


async def test_shares_of_a_sale_that_the_broker_has_undone_are_protected(tmp_path: Path) -> None:
    """A busted trade: nothing but the position says so. They get a stop, and a human's flatten sells them once."""
    deeds = (
        Command(second=6, what="flatten"),
        Mishap(second=25, fault=BustedTrade(symbol="AAPL")),
        Command(second=35, what="flatten"),
    )
    outcome = await play(quiet_world(*deeds), tmp_path)
    assert not outcome.violations, "\n".join(describe(outcome))
    assert any("are back (a busted trade?)" in line for line in outcome.story)


def test_a_world_is_drawn_again_from_its_seed_and_shrinks() -> None:
    """The same seed is the same world, and what is simpler has less in it."""
    world = draw_world(5)
    assert draw_world(5) == world
    assert draw_world(6) != world
    less = list(simpler(world))
    assert less
    assert all(
        (len(each.deeds), len(each.listings), len(each.assumptions), each.seconds, each.partial_fill_share)
        != (len(world.deeds), len(world.listings), len(world.assumptions), world.seconds, world.partial_fill_share)
        or each.listings != world.listings
        for each in less
    )
