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
def test_a_whole_session_leaves_nothing_that_others_may_read(project: Path) -> None:
    """Runs, journals, intents, recordings, logs and state: folders 0700, files 0600; another umask only takes away."""
    small = {"end": "09:46", "universe": {"small_caps": 4}, "news": {"planted": 2, "neutral": 2}}
    (project / "small.yaml").write_text(json.dumps(small))
    asked = ("demo", "--scenario", "small.yaml", "--seed", "7", "--json", "--set", "storage.record=true")
    done = momentum_kit_process(project, *asked, umask=0o000, timeout_s=500)
    assert json.loads(taken(done).splitlines()[-1])["round_trips"]
    found: dict[str, int] = {}
    for name in OURS:
        if (project / name).exists():
            found |= modes(project / name)
    assert {name.partition("/")[0] for name in found} >= {"runs", "logs", "state"}
    assert any(name.endswith("recording.jsonl.gz") for name in found)
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}
