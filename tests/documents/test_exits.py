import re
from pathlib import Path

from momentum_kit.config import ExitSettings

ROOT = Path(__file__).resolve().parents[2]
TABLE = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \| `(\w+)` \|$", (ROOT / "docs" / "exits.md").read_text(), re.MULTILINE
)


def test_every_setting_of_an_exit_stands_in_the_table():
    """All of `exits:` but the one that caps an entry's price, and no other."""
    named = {setting for _, cell, _ in TABLE for setting in re.findall(r"`(\w+)`", cell)}
    assert ExitSettings.model_fields.keys() - named == {"entry_cap_bps"}
    assert named <= ExitSettings.model_fields.keys()


def test_every_test_of_the_exits_exists():
    """A row names a test that is there to be run."""
    files = [*(ROOT / "tests" / "gateway").glob("test_*.py"), *(ROOT / "tests" / "unit").glob("services/*/test_*.py")]
    found = {name for file in files for name in re.findall(r"^async def (test_\w+)", file.read_text(), re.MULTILINE)}
    assert {test for _, _, test in TABLE} <= found
