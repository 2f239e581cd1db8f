import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from momentum_kit.runtime import stop_file
from momentum_kit.runtime.watchdog import LifePage, WatchOrder
from momentum_kit.runtime.watchdog import watchdog as module
from momentum_kit.runtime.watchdog.watchdog import Watchdog


class Desk:
    """Keeps what the watchdog has done about its engine, and ends the looking after so many things."""

    def __init__(self, page: LifePage, replaces: bool = True) -> None:
        self.done: list[str] = []
        self._page = page
        self._replaces = replaces

    def held(self, seconds: float, marked: str, word: str) -> None:
        """Told."""
        self.done.append(f"held {seconds:g} s, {marked or 'nothing'} read, {word or 'no word'}")

    def goes_on(self) -> None:
        """Told."""
        self.done.append("goes on")

    def gone(self, marked: str) -> None:
        """Told."""
        self.done.append(f"gone, {marked or 'nothing'} read")

    def succeed(self, marked: str, word: str) -> None:
        """Told, and another one started."""
        self.done.append(f"succeeded, {marked or 'nothing'} read, {word or 'no word'}")

    def replace(self, word: str) -> bool:
        """Done, or not."""
        self.done.append(f"replaced, {word or 'no word'}")
        return self._replaces

    def close(self) -> None:
        """Nothing waits."""


@pytest.fixture
def page() -> LifePage:
    """The one that both would share."""
    return LifePage.create()


@pytest.fixture
def order(tmp_path: Path, page: LifePage) -> WatchOrder:
    """For an engine that is this test's parent, as an engine is its watchdog's."""
    return WatchOrder(
        pid=os.getppid(), born="", token="", page=page.descriptor, hand_over=(), accounts=("sim-1",), state_dir="",
        stop_files=(str(tmp_path / "stop"),), command=(), engine={}, run_dir=str(tmp_path), held_after_s=10.0,
        then="alert", alerts={}, arguments="--config FILE",
    )  # fmt: skip


@pytest.fixture
def watch(page: LifePage, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Look so often, before each of which something may happen to the page; what was done."""

    def run(order: WatchOrder, looks: int, happens: dict[int, Callable[[], Any]], replaces: bool = True) -> list[str]:
        desk, seen = Desk(page, replaces), iter(range(looks + 1))

        def next_look(_: float) -> None:
            look = next(seen)
            happens.get(look, lambda: None)()
            if look == looks:
                page.end()

        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=next_look))  # the module's: other threads sleep too
        Watchdog(order, page, lambda *_: desk).run()
        return desk.done

    return run


def test_a_held_loop_is_told_once_and_left_to_a_person(
    order: WatchOrder, page: LifePage, watch: Callable[..., list[str]]
) -> None:
    """Ten seconds without a beat are told with what was being read; a beat after that is told as well."""
    done = watch(order, 100, {0: lambda: page.mark("f BRFG 1"), 70: page.beat})
    assert done == ["held 10 s, f BRFG 1 read, no word", "goes on"]


def test_by_policy_it_is_replaced(order: WatchOrder, watch: Callable[..., list[str]]) -> None:
    """Told, then ended, once: the watchdog of the next engine is another one."""
    done = watch(replace(order, then="restart_keep"), 100, {})
    assert done == ["held 10 s, nothing read, no word", "replaced, no word"]


def test_what_could_not_be_ended_is_not_tried_at_each_look(order: WatchOrder, watch: Callable[..., list[str]]) -> None:
    """An engine whose identity is not proven is left alone, until it has lived and hangs again."""
    done = watch(replace(order, then="restart_keep"), 100, {}, replaces=False)
    assert done == ["held 10 s, nothing read, no word", "replaced, no word"]


@pytest.mark.parametrize(("said", "word"), [("kill", "kill"), ("", "stop"), ("Flatten\n", "flatten")])
def test_a_persons_word_is_enough(
    order: WatchOrder, tmp_path: Path, watch: Callable[..., list[str]], said: str, word: str
) -> None:
    """A stop-file that nobody takes within five seconds replaces an engine, whatever the policy says."""
    (tmp_path / "stop").write_text(said)
    os.utime(tmp_path / "stop", (0, 0))  # whoever left it has had the time to write
    assert watch(order, 100, {}) == [f"held 5 s, nothing read, {word}", f"replaced, {word}"]


def test_a_word_that_is_being_written_is_waited_for(
    order: WatchOrder, tmp_path: Path, watch: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`echo pause > stop` makes the file before it writes: a look in between takes it for no stop."""
    monkeypatch.setattr(stop_file, "BEING_WRITTEN_S", 600)
    left = tmp_path / "stop"
    done = watch(order, 100, {20: left.touch, 30: lambda: left.write_text("pause\n")})
    assert done == ["held 10 s, nothing read, no word"]


def test_a_word_that_ends_nothing_replaces_nobody(
    order: WatchOrder, tmp_path: Path, watch: Callable[..., list[str]]
) -> None:
    """A pause waits for the engine: what hangs enters nothing, and its exits are not worth less."""
    (tmp_path / "stop").write_text("pause")
    assert watch(order, 100, {}) == ["held 10 s, nothing read, no word"]


def test_a_loop_that_beats_is_left_in_peace(
    order: WatchOrder, page: LifePage, tmp_path: Path, watch: Callable[..., list[str]]
) -> None:
    """One beat in nine seconds is enough, and what it is told it hears itself."""
    beats = dict.fromkeys(range(0, 400, 36), page.beat)
    assert watch(replace(order, then="restart_flatten"), 400, beats) == []


def test_an_engine_that_died_is_told_and_by_policy_or_word_followed_by_another(
    order: WatchOrder, page: LifePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watch: Callable[..., list[str]]
) -> None:
    """The system has given the watchdog another parent, and nobody had said that it ends."""
    page.mark("f BRFG 1")
    monkeypatch.setattr(module, "os", SimpleNamespace(getppid=lambda: 1, close=os.close))
    assert watch(order, 100, {}) == ["gone, f BRFG 1 read"]
    assert watch(replace(order, then="restart_keep"), 100, {}) == ["succeeded, f BRFG 1 read, no word"]
    (tmp_path / "stop").write_text("kill")
    os.utime(tmp_path / "stop", (0, 0))
    assert watch(order, 100, {}) == ["succeeded, f BRFG 1 read, kill"]
