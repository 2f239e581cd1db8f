"""One JupyterLab and one Chromium for the browser tests of a process; loopback only."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode knows no helpers beside a test

from browser_lab import CHROMIUM, ROOT, Notebook, Trading, jupyter_lab, start_chromium, trading
from playwright.sync_api import Browser, Playwright, sync_playwright


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project folder with the shipped configuration; state below it as well. Skips without a browser."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "config", folder / "config")
    (folder / "notebooks").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOMENTUM_KIT_STATE_DIR", str(folder / "state"))
        patched.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Of the module, not of the session: its loop would stand in the way of every other module's."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def lab(project: Path, playwright: Playwright) -> Iterator[tuple[str, Browser]]:
    """The address of JupyterLab, and the browser."""
    with jupyter_lab(project) as address:
        browser = start_chromium(playwright)
        yield address, browser
        browser.close()


@pytest.fixture
def market(project: Path) -> Iterator[Trading]:
    """A session that is open and not started yet; ended afterwards."""
    with trading(project) as running:
        yield running


@pytest.fixture
def open_notebook(lab: tuple[str, Browser], project: Path) -> Iterator[Callable[[list[str]], Notebook]]:
    """Opens a notebook of these cells on a page of its own; afterwards nothing may have been logged as an error."""
    address, browser = lab
    opened: list[Notebook] = []

    def open_page(cells: list[str], width: int = 1280, height: int = 2400) -> Notebook:
        page = browser.new_page(viewport={"width": width, "height": height})
        opened.append(Notebook(page, address, project, f"test-{os.urandom(4).hex()}", cells))
        return opened[-1]

    yield open_page
    for notebook in opened:
        notebook.shut_down()
        notebook.page.close()
        assert notebook.errors == []
