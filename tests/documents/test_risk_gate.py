import re
from pathlib import Path

from momentum_kit.config import Config, RiskSettings
from momentum_kit.trading.risk import check_entry
from tests.unit.trading.risk.test_gate import FREE

ROOT = Path(__file__).resolve().parents[2]
TABLE = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \| `(\w+)` \|$", (ROOT / "docs" / "risk_gate.md").read_text(), re.MULTILINE
)


def test_every_check_has_its_row_and_every_row_its_check():
    """The table lists the checks of the gate, all of them, in the order in which they name a refusal."""
    assert [name for name, _, _ in TABLE] == [check.rule for check in check_entry(FREE, RiskSettings()).checks]


def test_every_setting_of_the_table_exists_and_every_limit_stands_in_it():
    """A row names settings that can be set; no limit of `risk:` is left out but the one that sizes."""
    named = {setting for _, cell, _ in TABLE for setting in re.findall(r"`([\w.]+)`", cell)}
    for setting in named:
        section, _, key = setting.rpartition(".")
        assert key in Config.model_fields[section or "risk"].annotation.model_fields, setting
    assert RiskSettings.model_fields.keys() - named == {"risk_per_order_usd"}


def test_every_test_of_the_table_exists():
    """A row names a test that is there to be run."""
    places = ("unit/trading/risk", "unit/services/execution")
    found = {
        name
        for place in places
        for file in (ROOT / "tests" / place).glob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert {test for _, _, test in TABLE} <= found
