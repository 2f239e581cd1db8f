from types import SimpleNamespace

import pytest

from momentum_kit.services import InputGuard
from momentum_kit.services import input_guard as module
from momentum_kit.services.input_guard import fingerprint


def test_what_is_read_is_marked_before_and_unmarked_after() -> None:
    """Also where the reading fails: a mark says what is being read, and nothing else."""
    marks: list[str] = []
    guard = InputGuard(mark=marks.append)
    with guard.reading("BRFG 1", "ABC wins"):
        assert marks == [f"{fingerprint('ABC wins')} BRFG 1"]
    with pytest.raises(ValueError, match="no"), guard.reading("BRFG 2", "DEF loses"):
        raise ValueError("no")
    assert marks[1::2] == ["", ""]


def test_a_text_is_barred_by_its_words_whoever_tells_it() -> None:
    """The same words by another provider are the same text; half a character in them is no reason to fail."""
    guard = InputGuard(barred={fingerprint("poison \ud800"): "words"})
    assert guard.bars("poison \ud800")
    assert not guard.bars("poison")
    assert not InputGuard().bars("poison \ud800")


def test_a_slow_reading_is_told_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What held the loop for longer than a quarter of a second is named; what did not is not."""
    times = iter((10.0, 10.2, 20.0, 20.3))
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: next(times)))  # of nobody else
    told: list[str] = []
    guard = InputGuard(slow=told.append)
    for named in ("quick", "slow"):
        with guard.reading(named, "x" * 2_000):
            pass
    assert told == ["slow: 0.3 s to read 2,000 characters, and nothing else ran meanwhile"]
