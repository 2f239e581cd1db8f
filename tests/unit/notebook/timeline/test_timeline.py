import sys
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from momentum_kit.errors import StorageError
from momentum_kit.notebook.timeline import plot_timeline
from momentum_kit.notebook.timeline.stories import stories
from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put

SESSIONS = [
    {"headlines": 48, "every": 5},
    {"headlines": 100, "every": 6, "seed": 5, "minutes": 390},
    {"headlines": 4, "every": 100, "seed": 1, "minutes": 10},
    {"headlines": 3, "every": 1, "seed": 8, "minutes": 20},
    {"headlines": 1, "every": 1, "minutes": 2},
    {"headlines": 0},
]


def written(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every visible text with the pixels it covers, once the figure is drawn."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    shown = [text for text in texts if not _outside_its_axis(text)]
    return [(text, Text.get_window_extent(text, renderer)) for text in shown]


def _outside_its_axis(text: Text) -> bool:
    """True for a tick label that matplotlib keeps beyond the axis' limits and never draws."""
    for axes in text.get_figure().axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if text in (tick.label1, tick.label2):
                    return not (low <= tick.get_loc() <= high and axes.axison)
    return False


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: f"{session['headlines']} headlines")
def test_no_text_is_clipped_and_none_covers_another(write_session, session):
    """Whatever happened, every word of the picture can be read."""
    figure = plot_timeline(write_session(**session))
    texts = written(figure)
    width, height = figure.canvas.get_width_height()
    for text, box in texts:
        assert 0 <= box.x0 <= box.x1 <= width, text
        assert 0 <= box.y0 <= box.y1 <= height, text
    for (one, its), (other, others) in combinations(texts, 2):
        assert not its.overlaps(others), (one, other)


def test_the_picture_names_units_zone_and_counts(write_session):
    """Times are labelled New York, money USD, moves %, and the subtitle counts what happened."""
    texts = [text.get_text() for text, _ in written(plot_timeline(write_session()))]
    assert "Session of Friday, 20 November 2026" in texts
    assert {"New York time", "USD", "% since headline"} <= set(texts)
    (subtitle,) = [text for text in texts if text.startswith("48 headlines")]
    assert "36 news items" in subtitle
    assert "10 entries" in subtitle or "8 entries" in subtitle
    assert "USD costs" in subtitle


def test_a_png_is_written_only_where_asked_for(write_session, tmp_path):
    """With a path the picture is saved there, large enough to read; without one nothing is written."""
    journal = write_session(headlines=6)
    plot_timeline(journal)
    assert not list(tmp_path.rglob("*.png"))
    plot_timeline(journal, tmp_path / "timeline.png", title="A quiet morning")
    content = (tmp_path / "timeline.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 50_000


def test_pyplot_is_never_touched(write_session):
    """Figures made here are no global state that a notebook would have to close."""

    def open_figures() -> list[int]:
        return sys.modules["matplotlib.pyplot"].get_fignums() if "matplotlib.pyplot" in sys.modules else []

    before = open_figures()
    plot_timeline(write_session(headlines=6))
    assert open_figures() == before


def test_an_empty_journal_gives_an_honest_picture(journal_path):
    """Without headlines, marks and fills the panels say so."""
    texts = [text.get_text() for text, _ in written(plot_timeline(journal_path))]
    assert "no headline arrived" in texts
    assert "no symbol was watched" in texts
    assert "no fills, no profit, no costs" in texts


def test_dollar_signs_in_a_headline_are_no_mathematics(journal_path):
    """A headline with several dollar signs is drawn as it is."""
    journal = SqliteJournal(journal_path)
    at = "2026-11-20T14:31:00.000Z"
    text = "Acme prices $50 million offering at $4.00 <b>a share & more_"
    put(journal, "headlines", at=at, story_id="s", text=text, received_at=at, outcome="item", symbols=["ACME"])
    put(journal, "items", at=at, item_id="s:1", story_id="s", symbol="ACME", con_id=1)
    for minute in (32, 33):
        put(journal, "marks", at=f"2026-11-20T14:{minute}:00.000Z", con_id=1, symbol="ACME", price=4.0)
    journal.close()
    drawn = "\n".join(text.get_text() for text, _ in written(plot_timeline(journal_path)))
    assert text in drawn.replace("\n", " ")


def test_a_position_that_is_still_held_is_drawn(journal_path):
    """An entry without an exit has its stop drawn to the end and is called still held."""
    journal = SqliteJournal(journal_path)

    def at(minute: int) -> str:
        return f"2026-11-20T14:{minute}:00.000Z"

    item = {"item_id": "s:1", "symbol": "ACME", "con_id": 1}
    put(journal, "headlines", at=at(31), story_id="s", text="Acme wins", received_at=at(31), outcome="item")
    put(journal, "items", at=at(31), story_id="s", **item)
    for minute in range(32, 40):
        put(journal, "marks", at=at(minute), con_id=1, symbol="ACME", price=4.0 + minute / 100, bid=4.0, ask=4.4)
    put(journal, "decisions", at=at(33), decided_at=at(33), story_id="s", verdict="signal", final=1, **item)
    for order_id, leg in ((1, "entry"), (2, "stop")):
        put(journal, "orders", at=at(33), order_id=order_id, leg=leg, change="place", stop_price=3.9, **item)
    fill = {"side": "BUY", "shares": "100", "price": 4.4, "symbol": "ACME", "con_id": 1}
    put(journal, "executions", at=at(34), time=at(34), exec_id="a.01", order_id=1, **fill)
    journal.close()
    (story,) = stories(journal_path)
    assert (story.verdict, story.closed_by, len(story.fills)) == ("entry", "", 1)
    texts = [text.get_text() for text, _ in written(plot_timeline(journal_path))]
    assert "ACME  still held" in texts
    assert "stop 3.90" in texts


def test_every_headline_and_item_has_one_story(write_session):
    """The verdicts of the stories add up to what the journal holds, in the order received."""
    told = stories(write_session())
    assert len(told) == 48
    assert [story.at for story in told] == sorted(story.at for story in told)
    assert {story.verdict for story in told} == {"entry", "refused", "skip", "unheard"}
    assert all(story.reason for story in told)
    assert all(len(story.marks) for story in told if story.verdict != "unheard")


def test_a_missing_journal_is_named(tmp_path: Path):
    """No journal, no picture: one clear line."""
    with pytest.raises(StorageError, match="no such journal"):
        plot_timeline(tmp_path / "journal.db", tmp_path / "timeline.png")
    assert list(tmp_path.iterdir()) == []


def test_the_picture_shows_itself_in_a_cell(journal_path: Path) -> None:
    """Without `%matplotlib inline`, as the kit's other pictures do."""
    assert plot_timeline(journal_path)._repr_png_().startswith(b"\x89PNG")
