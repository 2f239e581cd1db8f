"""Who may look: nothing that a day leaves behind can be read or written by anybody else, whatever the umask."""

import json
import stat
from pathlib import Path

import pytest

from tests.hostile.outsider import momentum_kit_process, taken

OURS = ("runs", "data", "logs", "state")


def modes(folder: Path) -> dict[str, int]:
    """Every file and folder at or below it, with its mode."""
    return {
        str(each.relative_to(folder.parent)): stat.S_IMODE(each.lstat().st_mode)
        for each in (folder, *folder.rglob("*"))
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("umask", [0o000, 0o022], ids=oct)
def test_a_whole_day_leaves_nothing_that_others_may_read(umask: int, project: Path) -> None:
    """Runs, journals, intents, recordings, logs, state, notes, pages of a look back: folders 0700, files 0600."""
    small = {"end": "09:46", "universe": {"small_caps": 4}, "news": {"planted": 2, "neutral": 2}}
    (project / "small.yaml").write_text(json.dumps(small))
    asked = ("demo", "--scenario", "small.yaml", "--seed", "7", "--json", "--set", "storage.record=true")
    done = momentum_kit_process(project, *asked, umask=umask, timeout_s=500)
    assert json.loads(taken(done).splitlines()[-1])["round_trips"]
    looks = (("--note", "late"), ("--picture", "runs/1.png"))
    for look in (*(("--trade", "1", *each) for each in looks), ("--page", "runs/week.html")):
        taken(momentum_kit_process(project, "review", *look, umask=umask))
    assert momentum_kit_process(project, "kill", "--config", "config/sim.yaml", umask=umask).returncode == 4  # latches
    found: dict[str, int] = {}
    for name in OURS:
        if (project / name).exists():
            found |= modes(project / name)
    assert {name.partition("/")[0] for name in found} >= {"runs", "logs", "state"}
    for kind in ("recording.jsonl.gz", "notes.json", "week.html", "1.png", "killed", "journal.db"):
        assert any(name.endswith(kind) for name in found), kind
    print("\n".join(f"{mode:04o}  {name}" for name, mode in sorted(found.items())))  # noqa: T201
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}
