import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from momentum_kit.runtime.production import Bounds
from momentum_kit.runtime.production.bounds import AtomicFiles, KernelWatch, resident_mb
from momentum_kit.runtime.production.deaths import KernelDied
from momentum_kit.runtime.production.interrupts import Interrupts
from momentum_kit.runtime.production.kernel import KernelRun
from momentum_kit.runtime.production.papermill import CELL_TEXT

ENDLESS = """
import sys
for _ in range(400):
    print("x" * 100_000)
"""
GREEDY = "wasted = bytearray(b'x') * 400_000_000; import time; time.sleep(600)"  # and keeps it


def notebook(folder: Path, *sources: str) -> Path:
    """A notebook of these cells."""
    path = folder / "given.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in sources]), path)
    return path


def execute(folder: Path, given: Path, bounds: Bounds, session_over: bool = False) -> Path:
    """The executed notebook."""
    executed = folder / "executed.ipynb"
    KernelRun(
        interrupts=Interrupts(), bounds=bounds, session_over=lambda: session_over, files=AtomicFiles(print)
    ).execute(given, executed, {})
    return executed


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process grows beyond a size meanwhile, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_notebook_that_prints_without_end_stays_small(tmp_path: Path) -> None:
    """40 MB of text: the cell keeps its first part, one line says how much was left out, later cells go on."""
    before_mb = resident_mb(os.getpid())
    executed = execute(tmp_path, notebook(tmp_path, ENDLESS, "print('later')"), Bounds())
    assert executed.stat().st_size < 3 * CELL_TEXT
    first, later = (cell["outputs"] for cell in json.loads(executed.read_text())["cells"])
    assert len("".join(first[0]["text"])) == CELL_TEXT
    assert len(first) == 2
    assert "39,900,400 characters" in first[1]["data"]["text/plain"][0]
    assert later[0]["text"] == ["later\n"]
    assert resident_mb(os.getpid()) - before_mb < 300


def test_a_kernel_that_takes_too_much_memory_is_ended_in_words(tmp_path: Path) -> None:
    """The machine keeps its memory, and the run says what the kernel took and what it may."""
    with pytest.raises(KernelDied, match=r"in cell 1: it used [\d,]+ MB of memory, and 300 MB is"):
        execute(tmp_path, notebook(tmp_path, GREEDY), Bounds(memory_mb=300))


def test_a_notebook_that_does_not_end_after_its_session_is_ended() -> None:
    """A report that hangs does not keep a finished run from ending."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        with KernelWatch(lambda: process.pid, lambda: True, Bounds(report_s=0.2)) as watch:
            process.wait(60)
        assert watch.overdue
        assert "was not through 0 s after the session's end" in watch.why


def test_a_session_that_runs_has_all_the_time() -> None:
    """The bound on the report counts from the session's end."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        watch = KernelWatch(lambda: process.pid, lambda: False, Bounds(report_s=0.0))
        with watch, pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        assert watch.why == ""
        process.kill()


def test_a_full_disk_keeps_the_last_whole_file(tmp_path: Path) -> None:
    """What cannot be written whole is not written; it is said once, and once that it works again."""
    told: list[str] = []
    files, path = AtomicFiles(told.append), tmp_path / "report.ipynb"
    files.write("first", str(path))
    with full_disk(10):
        files.write("x" * 100, str(path))
        files.write("y" * 100, str(path))
    assert path.read_text() == "first"
    assert "could not be written" in files.failure
    assert "what stands there is from" in files.failure
    assert len(told) == 1
    files.write("z" * 100, str(path))
    assert path.read_text() == "z" * 100
    assert files.failure == ""
    assert "written again" in told[1]
    assert [file.name for file in tmp_path.iterdir()] == ["report.ipynb"]
