"""A headless run whose kernel died: what happened, for the run itself, its next kernel, and its report."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from momentum_kit.errors import NotebookError, StorageError
from momentum_kit.json_text import parse_json
from momentum_kit.private_files import write_whole
from momentum_kit.sessions import in_words

DEATHS = "kernel-deaths.json"


class KernelDied(NotebookError):
    """The kernel is gone; overdue: because the notebook did not end after its session."""

    def __init__(self, words: str, overdue: bool = False) -> None:
        super().__init__(words)
        self.overdue = overdue


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelDeath:
    """One of them. at: aware, wall time; words: how; then: what next; kept: file with what the kernel had written."""

    at: datetime
    words: str
    kept: str
    then: str

    def __str__(self) -> str:
        kept = f"; what it had written is in {self.kept}" if self.kept else ""
        return f"{in_words(self.at)}: {self.words}; {self.then}{kept}"


def keep_executed(executed: Path, number: int) -> str:
    """Move what the number-th kernel had written aside; its new name, empty where there is nothing."""
    kept = executed.with_name(f"{executed.stem}.kernel-{number}{executed.suffix}")
    try:
        executed.rename(kept)
    except OSError:  # nothing was written yet, or the disk refuses
        return ""
    return kept.name


def leave_deaths(run_dir: Path, deaths: Sequence[KernelDeath]) -> None:
    """For the report; OSError where the disk refuses."""
    rows = [{**asdict(each), "at": each.at.isoformat()} for each in deaths]
    write_whole(run_dir / DEATHS, json.dumps(rows, indent=1))


def read_deaths(run_dir: Path) -> tuple[KernelDeath, ...]:
    """All of a run, oldest first; StorageError if the file is not ours."""
    file = run_dir / DEATHS
    if not file.is_file():
        return ()
    try:
        rows = parse_json(file.read_text(encoding="utf-8"))
        return tuple(KernelDeath(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows)
    except (ValueError, TypeError, KeyError) as error:
        raise StorageError(f"{file} is malformed: {error}") from None


def notebook_after(notebook: Path, deaths: Sequence[KernelDeath], target: Path) -> Path:
    """The notebook with one cell more, whose output, the first of all, tells the deaths; written to `target`."""
    import nbformat

    content = nbformat.read(notebook, as_version=4)
    lines = ["This notebook was begun again on a fresh kernel.", *map(str, deaths)]
    source = "print(" + ",\n      ".join(repr(line) for line in lines) + ', sep="\\n")'
    content.cells.insert(0, nbformat.v4.new_code_cell(source, metadata={"tags": ["kernel-death"]}))
    write_whole(target, nbformat.writes(content))
    return target


def death_of(error: KernelDied, kept: str, then: str) -> KernelDeath:
    """As of now."""
    return KernelDeath(at=datetime.now(UTC), words=str(error), kept=kept, then=then)
