import math

import pandas as pd

from momentum_kit.pages import Block, RenderedTable, Shown, Words, frame_block, word

FRAME = pd.DataFrame({"n": [1200, 3], "mean_bps": [12.34, math.nan], "text": ["<b>|", "x"]})


def test_one_table_is_rendered_three_times():
    """In columns, as a pipe table and as HTML: numbers to the right, text escaped, a dash for what is not known."""
    table = RenderedTable.of(FRAME)
    assert table.text().splitlines() == ["    n  mean_bps  text", "1,200      12.3  <b>|", "    3         -  x"]
    assert table.markdown().splitlines()[2] == r"| 1,200 | 12.3 | \<b\>\| |"
    assert "<td>1,200</td><td>12.3</td><td>&lt;b&gt;|</td>" in table.html()
    assert table.cell().count("mk-number") - table.cell().count(".mk-number") == 6


def test_decimals_follow_the_size_of_a_column_unless_they_are_given():
    """A thousand needs none, a tenth needs two; given ones hold, one for the columns without."""
    frame = pd.DataFrame({"large": [1234.5], "small": [0.123], "ten": [12.34]})
    assert list(RenderedTable.of(frame).rows[0]) == ["1,234", "0.12", "12.3"]
    assert list(RenderedTable.of(frame, {"small": 3}).rows[0]) == ["1,234.5", "0.123", "12.3"]


def test_single_values_are_for_people():
    """Whole large numbers, four digits of small ones, New York's time, lists as words, a dash for what is not known."""
    values = (1234.5, 0.12345, 7, math.nan, "x", True, None, ["A", "B"])
    assert [word(value) for value in values] == ["1,234", "0.1235", "7", "-", "x", "True", "-", "A, B"]
    assert word(pd.Timestamp("2026-05-04 14:30:05", tz="UTC")) == "2026-05-04 10:30:05"
    assert word(pd.Timestamp("2026-05-04")) == "2026-05-04"
    assert word(pd.NaT) == "-"


def test_blocks_are_a_page_in_two_forms():
    """Headings, sentences and warnings; in a notebook headings stand below those of the notebook."""
    blocks = [Block("title", "One"), Block("heading", "Two"), Block("text", "a < b"), Block("warning", "IMPUTED")]
    assert [block.markdown() for block in blocks] == ["# One", "## Two", r"a \< b", "> **IMPUTED**"]
    assert [block.html() for block in blocks] == [
        "<h1>One</h1>", "<h2>Two</h2>", "<p>a &lt; b</p>", '<p class="warning">IMPUTED</p>',
    ]  # fmt: skip
    assert Block("title", "One").html(aligned=True, below=2) == "<h3>One</h3>"


def test_a_result_shows_itself():
    """Its blocks in a cell, frames as they show themselves, and the same in words on a plain screen."""

    class Answer(Shown):
        def blocks(self):
            return [Block("text", "a < b"), frame_block(pd.DataFrame({"net_bps": [1.5]}))]

    shown = Answer()._repr_html_()
    assert "<p>a &lt; b</p>" in shown
    assert "1 row" in shown
    assert repr(Answer()) == "a < b\n\nnet_bps\n   1.50"
    assert Words("**yes**")._repr_markdown_() == "**yes**"
