"""A stop-file that is none: the loop that looks for one is not held, and what it says is a word or is told."""

import os
import time
from pathlib import Path

import pytest

from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.runtime.stop_file import MOST, word_in
from tests.hostile.corpus import TEXTS


def test_a_large_one_is_not_read(tmp_path: Path) -> None:
    """Ten gigabytes, as `cp /dev/zero stop` begins to write."""
    with (tmp_path / "stop").open("wb") as file:
        file.write(b"kill" + b" " * MOST)
        file.truncate(10 * 1024**3)
    begun = time.thread_time()
    assert (word_in(tmp_path / "stop") or "").startswith("kill")
    assert time.thread_time() - begun < 1


@pytest.mark.timeout(20)
def test_a_pipe_in_its_place_holds_nobody(tmp_path: Path) -> None:
    """It was waited for until somebody wrote, which nobody did; it is a stop-file that was only touched."""
    os.mkfifo(tmp_path / "stop")
    os.utime(tmp_path / "stop", (0, 0))
    assert word_in(tmp_path / "stop") == ""


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    """As any file that cannot be read, and no descriptor is left open however often one looks."""
    (tmp_path / "stop").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(OSError, match="directory"):
            word_in(tmp_path / "stop")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("words", TEXTS, ids=range(len(TEXTS)))
def test_any_words_are_a_word_of_some_length(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write there; it is taken away once it was heard."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    folder = StateFolder("DU1")
    folder.create()
    (folder.path / "stop").write_bytes(words.encode("utf-8", "surrogatepass") or b" ")
    os.utime(folder.path / "stop", (0, 0))
    assert len(folder.take_command() or "") <= MOST
    assert not folder.commanded
