import pickle

import pandas as pd
import pytest

from momentum_kit.pages import ReadableFrame


@pytest.fixture
def frame() -> ReadableFrame:
    """Two headlines of one day, with what a feed can contain."""
    frame = ReadableFrame(
        {
            "received_at": pd.to_datetime(["2026-11-20T14:33:09Z", "2026-11-20T14:40:00Z"]),
            "symbols": [["ABCD", "EFGH"], []],
            "price": [12.3456, float("nan")],
            "cost_usd": [1200.5, 3.0],
            "count": [1200, 7],
            "text": ["<script>alert(1)</script>", "plain"],
        }
    )
    frame.caption = "Headlines"
    return frame


def test_a_table_reads_like_a_newspaper(frame) -> None:
    """Times are New York's, numbers are rounded, lists are words, and text from outside is escaped."""
    html = frame._repr_html_()
    for shown in ("09:33:09", "New York", "ABCD, EFGH", ">12.3<", ">1,200.50<", ">1,200<", "&lt;script&gt;"):
        assert shown in html
    assert "Headlines, 2 rows, Friday, 20 November 2026" in html
    assert "<script>" not in html


def test_what_follows_from_a_table_shows_itself_likewise(frame) -> None:
    """A slice, a query, a copy, a sum and a pickle are of the same class, with its title and its values."""
    for each in (frame.head(1), frame[frame["count"] > 10], frame[["price", "text"]], frame.copy(), frame.iloc[1:]):
        assert type(each) is ReadableFrame
        assert "Headlines" in each._repr_html_()
    assert type(frame[["price"]] * 2) is ReadableFrame
    back = pickle.loads(pickle.dumps(frame))
    assert (type(back), back.caption) == (ReadableFrame, "Headlines")
    pd.testing.assert_frame_equal(back, frame)


def test_for_code_a_table_is_the_frame_it_is(frame) -> None:
    """Types and values are untouched by being shown: aware UTC times, floats as they came."""
    before = pd.DataFrame(frame).copy()
    frame._repr_html_()
    pd.testing.assert_frame_equal(pd.DataFrame(frame), before)
    assert str(frame["received_at"].dt.tz) == "UTC"
    assert isinstance(frame, pd.DataFrame)


def test_times_of_several_days_carry_their_day(frame) -> None:
    """The day stands in the title only where there is one."""
    frame["received_at"] = pd.to_datetime(["2026-11-20T14:33:09Z", "2026-11-23T14:40:00Z"])
    html = frame._repr_html_()
    assert "2026-11-20 09:33:09" in html
    assert "Friday" not in html


def test_an_empty_table_has_its_heads() -> None:
    """A session without a headline shows what its columns will be, not an error."""
    html = ReadableFrame({"text": pd.Series([], dtype="str"), "price": pd.Series([], dtype="float64")})._repr_html_()
    assert "no rows yet; columns: text, price" in html


def test_a_long_table_shows_both_ends() -> None:
    """The first and the last rows, and how many stand between; so many as pandas' own option would cut."""
    html = ReadableFrame({"number": range(500)})._repr_html_()
    assert "480 more" in html
    assert ">4<" in html
    assert ">5<" not in html
    assert ">499<" in html
    with pd.option_context("display.max_rows", 600):
        assert ">250<" in ReadableFrame({"number": range(500)})._repr_html_()


def test_an_index_that_says_something_is_shown() -> None:
    """Row numbers are left out; names, times and groups stand in front."""
    counts = ReadableFrame({"reason": ["z", "move", "z"], "n": [1, 2, 3]})
    assert "<th" in counts._repr_html_()
    assert ">move<" in counts.groupby("reason").sum()._repr_html_()
    named = ReadableFrame({"": [1.0]}, index=["signals"])
    assert ">signals<" in named._repr_html_()


def test_columns_of_two_levels_are_left_to_pandas() -> None:
    """A pivoted table has no one head a column; it shows itself as every frame does."""
    pivoted = ReadableFrame({("a", "x"): [1], ("a", "y"): [2]})
    assert "<table" in pivoted._repr_html_()


def test_pandas_option_against_html_is_obeyed(frame) -> None:
    """Who switched HTML off sees text."""
    with pd.option_context("display.notebook_repr_html", False):
        assert frame._repr_html_() is None
