"""Changes of the archive, all or none: files are staged beside it and moved into place together.

What an earlier change left is finished or dropped first. It lies in the archive's folder, which may come from anybody:
a stage is believed only as far as it looks like one of ours, and moves nothing but staged files to places that the
archive has. Anything else is left alone and named.
"""

import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from momentum_kit.errors import ArchiveError
from momentum_kit.file_locks import lock
from momentum_kit.json_text import parse_json
from momentum_kit.storage.archive.rows import EXECUTIONS, FILE, HEADLINES, SECONDS, SYMBOL, SYMBOLS

STAGE = ".import-"
_COMMIT, _PLAN = "commit.json", "plan.json"
_STAGED = re.compile(r"\d+-[0-9a-f]{8}\.parquet")
_PLACE = re.compile(
    rf"(?:{'|'.join(SECONDS)})/symbol={SYMBOL.pattern}/month=\d+-\d\d/{re.escape(FILE)}"
    rf"|{HEADLINES}/month=\d+-\d\d/{HEADLINES}\.parquet"
    rf"|{EXECUTIONS}/month=\d+-\d\d/{EXECUTIONS}\.parquet"
    rf"|{SYMBOLS}/day=\d+-\d\d-\d\d/{SYMBOLS}\.parquet"
)


class Changes:
    """Files to be put in place together; nothing is visible before commit()."""

    def __init__(self, root: Path, stage: Path) -> None:
        self._root = root
        self._stage = stage
        self._files: dict[Path, Path] = {}

    def current(self, target: Path) -> Path | None:
        """Where the latest version of a file is to be read; None if there is none."""
        if staged := self._files.get(target):
            return staged
        return target if _is_file(self._root, target) else None

    def put(self, target: Path, write: Callable[[Path], None]) -> None:
        """Stage a new version of `target`: write(path) writes it."""
        _is_file(self._root, target)
        fresh = self._stage / f"{len(self._files)}-{os.urandom(4).hex()}.parquet"
        write(fresh)
        before = self._files.get(target)
        self._files[target] = fresh
        if before:
            before.unlink()

    def commit(self) -> int:
        """Put every file in its place; returns how many. Killed on the way, the next change finishes the move."""
        if not self._files:
            return 0
        moves = {file.name: str(target.relative_to(self._root)) for target, file in self._files.items()}
        plan = self._stage / _PLAN
        with plan.open("w") as sink:
            json.dump(moves, sink)
            sink.flush()
            os.fsync(sink.fileno())
        plan.replace(self._stage / _COMMIT)
        _move(self._stage, self._root, moves)
        return len(moves)


@contextmanager
def changes(root: Path) -> Iterator[Changes]:
    """Hold the archive's lock for one change; what is not committed leaves no trace.

    A change that was killed half-way is finished first, or dropped if it had not been committed. Raises ArchiveError
    where the archive cannot be written, or holds what no change of ours left.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root):
            for left in sorted(root.glob(f"{STAGE}*")):
                _settle(left, root)
            stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=root))
            try:
                yield Changes(root, stage)
            finally:
                if not (stage / _COMMIT).exists():
                    _drop(stage)
    except OSError as error:
        raise ArchiveError(f"{root}: cannot write to the archive: {error.strerror or error}") from None


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    handle = os.open(root, os.O_RDONLY)
    try:
        lock(handle)  # the folder's own lock: two writers of one month would lose a day
        yield
    finally:
        os.close(handle)


def _settle(stage: Path, root: Path) -> None:
    """Finish or drop what a killed change left; ArchiveError, with nothing touched, where it is none of ours."""
    inside = sorted(each.name for each in stage.iterdir()) if _mode(stage) == stat.S_IFDIR else None
    foreign = ArchiveError(
        f"{stage}: no import of this kit left this; nothing was imported: look at it and remove it yourself"
    )
    if inside is None or not all(name in (_COMMIT, _PLAN) or _STAGED.fullmatch(name) for name in inside):
        raise foreign
    if any(_mode(stage / name) != stat.S_IFREG for name in inside):
        raise foreign
    if _COMMIT in inside:
        try:
            moves = parse_json((stage / _COMMIT).read_text(encoding="utf-8"))
        except ValueError:
            raise foreign from None
        if not isinstance(moves, dict) or not all(
            isinstance(place, str) and _STAGED.fullmatch(name) and _PLACE.fullmatch(place)
            for name, place in moves.items()
        ):
            raise foreign
        _move(stage, root, moves)
    _drop(stage)


def _move(stage: Path, root: Path, moves: dict[str, str]) -> None:
    for place in moves.values():
        _is_file(root, root / place)
    for name, place in moves.items():
        if (stage / name).exists():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).replace(root / place)
    (stage / _COMMIT).unlink()
    _drop(stage)


def _drop(stage: Path) -> None:
    """Remove what a change writes, and no more."""
    for file in stage.iterdir() if stage.is_dir() else ():
        file.unlink()
    if stage.is_dir():
        stage.rmdir()


def _is_file(root: Path, target: Path) -> bool:
    """Whether a file stands there. ArchiveError for a link or something else on the way to it from the root."""
    place = root
    for part in target.relative_to(root).parts:
        place = place / part
        mode = _mode(place)
        if mode == stat.S_IFLNK:
            raise ArchiveError(f"{place}: a link; nothing is written through links below an archive: remove it")
        if mode is not None and mode != (stat.S_IFREG if place == target else stat.S_IFDIR):
            raise ArchiveError(f"{place}: neither a folder nor a file of the archive; remove it")
    return _mode(target) == stat.S_IFREG


def _mode(path: Path) -> int | None:
    """What kind of thing it is itself, whatever it may point at; None where nothing is."""
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None
