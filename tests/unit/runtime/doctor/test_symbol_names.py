from datetime import date, timedelta
from pathlib import Path

import pytest

from momentum_kit.config import load_config
from momentum_kit.runtime.doctor.finding import Grade
from momentum_kit.runtime.doctor.machine_checks import symbol_names

TODAY = date(2026, 11, 20)
SIM = Path(__file__).parents[4] / "config" / "sim.yaml"


@pytest.mark.parametrize(
    ("content", "grade", "found", "advice"),
    [
        ("symbol,name,since\nAAPL,Apple Inc.,{young}\n", Grade.OK, "1 names as of {young}, 9 days old", ""),
        ("symbol,name,since\nAAPL,Apple Inc.,{old}\n", Grade.WARNING, "200 days old", "momentum-kit data symbols"),
        ("symbol,name\nAAPL,Apple Inc.\n", Grade.OK, "1 names without days", ""),
        ("ticker,name\nAAPL,Apple Inc.\n", Grade.PROBLEM, "no column symbol", "correct news.symbol_master"),
    ],
)
def test_the_age_of_the_names_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, grade: Grade, found: str, advice: str
) -> None:
    """Old names want renewing, by a command that can be copied; a broken file is a problem."""
    monkeypatch.setattr("momentum_kit.runtime.doctor.machine_checks.exchange_day", lambda _: TODAY)
    days = {"young": TODAY - timedelta(days=9), "old": TODAY - timedelta(days=200)}
    (tmp_path / "master.csv").write_text(content.format(**days))
    config = load_config(SIM, {"news.symbol_master": "master.csv"})
    finding = symbol_names(config, tmp_path)
    assert (finding.check, finding.grade) == ("symbols", grade)
    assert found.format(**days) in finding.found
    assert advice in finding.advice


def test_the_list_that_comes_along_has_its_age_too(tmp_path: Path) -> None:
    """Nobody named a master: the one in use is told with its day."""
    finding = symbol_names(load_config(SIM), tmp_path)
    assert "the list that comes along: 7,386 names as of 2025-08-31" in finding.found
