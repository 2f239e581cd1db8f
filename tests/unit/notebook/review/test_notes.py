"""Notes of a run folder while several write to them."""

import subprocess
import sys
from pathlib import Path

from momentum_kit.notebook.review.notes import add_tags, read_notes

WRITER = """
import sys
from pathlib import Path
from momentum_kit.notebook.review.notes import add_tags
for number in range(15):
    add_tags(Path(sys.argv[1]), number % 5, [f"{sys.argv[2]}{number}"])
"""


def test_two_writers_lose_nothing_of_each_other_s(tmp_path: Path) -> None:
    """Fifteen tags each, at the same five trades, at once."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "ab"]
    assert [each.wait(60) for each in writers] == [0, 0]
    known = read_notes(tmp_path)
    assert sorted(known) == list(range(5))
    assert sum(len(notes.tags) for notes in known.values()) == 30


def test_the_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    """What was noted of trades is as private as the trades."""
    add_tags(tmp_path, 1, ["x"])
    assert (tmp_path / "notes.json").stat().st_mode & 0o777 == 0o600
