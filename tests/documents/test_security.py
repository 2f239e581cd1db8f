"""docs/security.md: what holds each row is there, and the rows are counted right."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| surface")
]


def test_what_holds_each_row_is_a_test_of_the_tree() -> None:
    """A file below tests/hostile or tests, or by construction; each row has its five cells."""
    for row in ROWS:
        assert len(row) == 5, row
        assert all(row), row
        named = re.findall(r"`([\w/]+)`", row[4])
        assert named or row[4] == "(by construction)", row
        for name in named:
            places = [ROOT / "tests" / room / name for room in ("", "hostile", "hostile/network")]
            assert any(place.is_dir() or place.with_suffix(".py").is_file() for place in places), name


def test_attacks_and_surfaces_are_counted_right() -> None:
    """At least eighty of them."""
    counted = re.search(r"(\d+) attacks on (\d+) surfaces", TEXT)
    assert counted
    assert (int(counted[1]), int(counted[2])) == (len(ROWS), len({row[0] for row in ROWS}))
    assert len(ROWS) >= 80
