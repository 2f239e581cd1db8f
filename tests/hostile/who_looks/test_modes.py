"""Who may look: nothing that a day leaves behind can be read or written by anybody else, whatever the umask."""

import json
import stat
from pathlib import Path

import pytest

from tests.hostile.outsider import momentum_kit, taken

OURS = ("runs", "data", "logs", "state")


def modes(folder: Path) -> dict[str, int]:
    """Every file and folder at or below it, with its mode."""
    return {
        str(each.relative_to(folder.parent)): stat.S_IMODE(each.lstat().st_mode)
        for each in (folder, *folder.rglob("*"))
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_whole_demo_day_leaves_nothing_that_others_may_read(umask: int, project: Path) -> None:
    """Runs, journals, intents, recordings, logs and state: folders 0700, files 0600, each of them."""
    done = momentum_kit(project, "demo", "--json", "--set", "storage.record=true", umask=umask, timeout_s=500)
    assert json.loads(taken(done).splitlines()[-1])["headlines"]
    found: dict[str, int] = {}
    for name in OURS:
        if (project / name).exists():
            found |= modes(project / name)
    assert {name.partition("/")[0] for name in found} >= {"runs", "logs", "state"}
    assert any(name.endswith("recording.jsonl.gz") for name in found)
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}
