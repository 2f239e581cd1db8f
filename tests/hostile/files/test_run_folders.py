"""`run --out DIR`: nothing in the folder is deleted or replaced that the kit did not write, and nothing too early."""

from pathlib import Path

import pytest

from tests.hostile.outsider import listing, momentum_kit, refused

RUN = ("run", "notebooks/production.ipynb", "--config", "config/sim.yaml")


@pytest.fixture
def website(tmp_path: Path) -> Path:
    """A folder of the user's with pages and more in it."""
    folder = tmp_path / "website"
    folder.mkdir()
    (folder / "index.html").write_text("<h1>mine</h1>")
    (folder / "thesis.kernel-1.ipynb").write_text("{}")
    (folder / "summary.json").write_text('{"mine": true}')
    (folder / ".writable").write_text("mine as well")
    return folder


@pytest.mark.parametrize(
    "wrong",
    [
        ("run", "notebooks/none.ipynb", "--config", "config/sim.yaml"),
        ("run", "notebooks/production.ipynb", "--config", "config/none.yaml"),
        (*RUN, "-p", "no_such", "1"),
        RUN,  # nobody listens at the gateway's port
    ],
    ids=["notebook", "config", "parameter", "gateway"],
)
def test_a_run_that_is_refused_has_deleted_nothing(wrong: tuple[str, ...], project: Path, website: Path) -> None:
    """A slip in the command line costs a line of words, and no file."""
    before = listing(website)
    done = momentum_kit(project, *wrong, "--out", str(website))
    assert done.returncode != 0
    assert listing(website) == before


def test_a_folder_with_files_of_the_users_is_no_run_folder(project: Path, website: Path) -> None:
    """Told in one line with the remedy, before anything starts."""
    before = listing(website)
    refused(momentum_kit(project, *RUN, "--out", str(website)), str(website), "new or empty")
    assert listing(website) == before


def test_a_run_does_not_replace_the_notebook_it_is_given(project: Path) -> None:
    """Its own folder as the run folder: the executed copy would take its place."""
    before = listing(project / "notebooks")
    refused(momentum_kit(project, *RUN, "--out", "notebooks"), "notebooks")
    assert listing(project / "notebooks") == before


def test_what_a_run_writes_goes_through_no_link(tmp_path: Path, project: Path) -> None:
    """A link where the kit is about to write leads to a file of the user's."""
    precious = tmp_path / "precious"
    precious.write_text("what I wrote")
    for name in ("engine.err", "journal.db", "summary.json", ".summary.json.part", ".production.ipynb.part"):
        folder = tmp_path / f"out-{name}"
        folder.mkdir()
        (folder / name).symlink_to(precious)
        refused(momentum_kit(project, *RUN, "--out", str(folder)), "link", name)
        assert precious.read_text() == "what I wrote"
