import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from momentum_kit.errors import StorageError
from momentum_kit.runtime.production.report_page import write_page

STYLE = "<style>.mk { color: red }</style>"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
LOADING = {"src", "href", "data", "poster", "srcset", "action", "background"}


class References(HTMLParser):
    """Everything that a browser would load or run, and the text that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.shown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        self.tags.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in LOADING]

    def handle_data(self, data: str) -> None:
        """Between elements."""
        self.shown += data


@pytest.fixture
def executed(tmp_path: Path) -> Path:
    """An executed notebook with all that a report shows."""
    outputs = [
        nbformat.v4.new_output("stream", text="printed & <b>plain</b>\n"),
        nbformat.v4.new_output("display_data", data={"text/html": STYLE + "<p>first</p>"}),
        nbformat.v4.new_output("display_data", data={"text/html": STYLE + "<p>second</p>"}),
        nbformat.v4.new_output("display_data", data={"image/png": PICTURE}),
    ]
    cells = [
        nbformat.v4.new_markdown_cell("# Flight log"),
        nbformat.v4.new_code_cell("secret_code()", outputs=outputs),
    ]
    path = tmp_path / "production.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_the_page_loads_nothing(executed: Path) -> None:
    """One file: pictures are inside, no script, no address of anywhere; it can be forwarded and kept."""
    page = write_page(executed, "A <session>")
    assert page == executed.with_suffix(".html")
    text = page.read_text()
    found = References()
    found.feed(text)
    assert [each for each in found.loaded if not each.startswith(("data:image/", "#"))] == []
    assert not found.tags & {"script", "link", "iframe", "object"}
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text
    assert "A &lt;session&gt;" in text


def test_outputs_are_shown_and_code_is_not(executed: Path) -> None:
    """A reader of the report wants what happened; one style sheet is enough for all sections."""
    page = write_page(executed, "t")
    assert page
    text = page.read_text()
    found = References()
    found.feed(text)
    for words in ("Flight log", "printed & <b>plain</b>", "first", "second"):
        assert words in found.shown
    assert "secret_code" not in text
    assert PICTURE in text.replace("\n", "")
    assert text.count(STYLE) == 1


def test_a_notebook_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    """The session does not fail for want of a page: its caller says the line."""
    with pytest.raises(StorageError, match=r"production\.html could not be written"):
        write_page(tmp_path / "production.ipynb", "t")
