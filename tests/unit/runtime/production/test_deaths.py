import json
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

from momentum_kit.errors import NotebookError, StorageError
from momentum_kit.runtime.production import KernelDeath, read_deaths
from momentum_kit.runtime.production.deaths import DEATHS, keep_executed, leave_deaths, notebook_after
from momentum_kit.runtime.production.kernel import check_kernel
from momentum_kit.runtime.production.production import check_parameters, clear_report

AT = datetime(2026, 11, 20, 15, 30, 5, tzinfo=UTC)
DEATH = KernelDeath(at=AT, words='the kernel\'s end: "SIGKILL"', kept="a.kernel-1.ipynb", then="the session goes on")


def test_deaths_are_told_as_they_were_left(tmp_path: Path) -> None:
    """The report reads what the run wrote; a run without deaths has none."""
    assert read_deaths(tmp_path) == ()
    leave_deaths(tmp_path, [DEATH, DEATH])
    assert read_deaths(tmp_path) == (DEATH, DEATH)


def test_a_file_that_is_not_ours_is_one_clear_line(tmp_path: Path) -> None:
    """Whoever wrote something else there learns the file's name."""
    (tmp_path / DEATHS).write_text(json.dumps([{"at": "yesterday"}]))
    with pytest.raises(StorageError, match=DEATHS):
        read_deaths(tmp_path)


def test_the_next_notebook_begins_with_what_happened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One more cell, before all others, prints time, cause, consequence and where the rest is."""
    given = tmp_path / "given.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), given)
    cells = nbformat.read(notebook_after(given, [DEATH], tmp_path / "again.ipynb"), as_version=4).cells
    assert [cell.source for cell in cells[1:]] == ["1"]
    exec(cells[0].source)
    assert str(DEATH) in capsys.readouterr().out
    assert len(nbformat.read(given, as_version=4).cells) == 1


def test_what_a_kernel_had_written_is_kept(tmp_path: Path) -> None:
    """Under the number of the kernel; nothing is no error."""
    executed = tmp_path / "production.ipynb"
    assert keep_executed(executed, 1) == ""
    executed.write_text("{}")
    assert keep_executed(executed, 1) == "production.kernel-1.ipynb"
    assert not executed.exists()


def test_a_run_says_nothing_of_the_one_before_it(tmp_path: Path) -> None:
    """A summary in the folder would say that this run finished; what the kit did not write stays."""
    for name in ("summary.json", DEATHS, "production.kernel-1.ipynb", "production.html"):
        (tmp_path / name).touch()
    kept = [tmp_path / "notes.html", tmp_path / "other.kernel-1.ipynb"]
    for file in kept:
        file.touch()
    clear_report(tmp_path, Path("notebooks/production.ipynb"))
    assert sorted(tmp_path.iterdir()) == kept


def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    """Before anything starts, with its name."""
    for text in ("no json", "[]", "{}"):
        file = tmp_path / "broken.ipynb"
        file.write_text(text)
        with pytest.raises(NotebookError, match=r"broken\.ipynb"):
            check_parameters(file, {"until": "15:55"})


def test_a_kernel_that_is_missing_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel whose program is gone: its name, and how to install one."""
    monkeypatch.setenv("PATH", "")  # as under a service manager: the kernel is this very interpreter
    check_kernel()
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        json.dumps({"argv": ["/no/such/python"], "display_name": "x", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with pytest.raises(NotebookError, match="no program /no/such/python; install it again"):
        check_kernel()
