"""One JupyterLab and one Chromium for the browser tests of a process; loopback only."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.browser_lab import CHROMIUM, ROOT, Notebook, Trading, jupyter_lab, start_chromium, trading


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
def lab(project: Path, playwright: Playwright) -> Iterator[tuple[Path, Browser]]:
    """JupyterLab by its folder, and the browser, which starts beside it."""
    with jupyter_lab(project) as started:
        browser = start_chromium(playwright)
        yield started, browser
        browser.close()


@pytest.fixture
def market(project: Path, request: pytest.FixtureRequest) -> Iterator[Trading]:
    """A session that is open and not started yet; ended afterwards. Its parameter: market seconds a second."""
    with trading(project, getattr(request, "param", 200.0)) as running:
        yield running


@pytest.fixture(scope="module")
def desk(lab: tuple[Path, Browser], project: Path) -> Iterator[Notebook]:
    """The one page with the one kernel that the tests of a module share, since either takes seconds to start."""
    jupyter, browser = lab
    page = browser.new_page(viewport={"width": 1280, "height": 2400})
    notebook = Notebook(page, jupyter, project, "desk", [""])
    yield notebook
    notebook.shut_down()
    page.close()


@pytest.fixture
def notebook(desk: Notebook) -> Iterator[Notebook]:
    """The shared notebook, in the light theme at 1280 px; afterwards nothing may have been logged as an error."""
    desk.errors.clear()
    desk.page.set_viewport_size({"width": 1280, "height": 2400})
    desk.theme("Light")
    yield desk
    desk.interrupt()
    desk.run_in_kernel("kit.panel().close()")
    desk.replace([""])
    assert desk.errors == []
