"""An outsider's tests of a review: every expected value was worked out by hand from the world that is described."""

import base64
import re
import resource
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import momentum_kit
from momentum_kit import Review
from momentum_kit.errors import InputError, StorageError
from momentum_kit.storage.journal import SqliteJournal

TEN = datetime(2026, 5, 12, 14, tzinfo=UTC)  # 10:00 in New York, a Tuesday
Quote = tuple[float, float | None, float | None]  # seconds after the entry, price, bid
CALM: Sequence[Quote] = tuple((float(at), 10.0, 9.99) for at in range(5, 1000, 5))
STOP_2X = "stop x1, target x2, 5 min"
STOP_ONLY = "stop x1, no target, 5 min"


def clock(seconds: float) -> str:
    """So many seconds after ten, as a journal writes it."""
    return (TEN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class World:
    """One session's journal, written row by row with plain sqlite3."""

    opened: ClassVar[list[sqlite3.Connection]] = []

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        SqliteJournal(folder / "journal.db").close()
        self.db = sqlite3.connect(folder / "journal.db", isolation_level=None)
        self.opened.append(self.db)
        self.fills = 0

    def add(self, table: str, **row: Any) -> None:
        """One row; its moment is ten o'clock if none is given."""
        row = {"wall_ns": 0, "at": clock(0), **row}
        self.db.execute(
            f"INSERT INTO {table} ({','.join(row)}) VALUES ({','.join('?' * len(row))})", list(row.values())
        )

    def session(self, at: float = -600) -> None:
        """It began so long after ten."""
        self.add("equity", at=clock(at), realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0)

    def news(self, item: str, story: str, **given: Any) -> None:
        """A headline, its item and the signal that it led to."""
        told = {"text": "AAA wins", "provider": "DJ-N", "catalyst": "fda", "at": 0.0, "con_id": 1, **given}
        at = told["at"]
        self.add("headlines", at=clock(at - 10), story_id=story, provider=told["provider"], text=told["text"],
                 received_at=clock(at - 10), outcome="item")  # fmt: skip
        self.add("items", at=clock(at - 10), item_id=item, story_id=story, symbol="AAA", con_id=told["con_id"],
                 catalyst=told["catalyst"])  # fmt: skip
        self.add("decisions", at=clock(at), item_id=item, story_id=story, symbol="AAA", con_id=told["con_id"],
                 decided_at=clock(at), verdict="signal", final=1)  # fmt: skip

    def bracket(self, item: str, first_id: int, entry: float, target: float, stop: float, at: float = 0) -> None:
        """Entry, target and stop as placed."""
        legs = (("entry", "BUY", "LMT", entry, None), ("target", "SELL", "LMT", target, None),
                ("stop", "SELL", "STP", None, stop))  # fmt: skip
        for number, (leg, action, kind, limit, trigger) in enumerate(legs):
            self.add("orders", at=clock(at), item_id=item, order_id=first_id + number, leg=leg, symbol="AAA", con_id=1,
                     action=action, order_type=kind, quantity="100", limit_price=limit, stop_price=trigger,
                     change="place")  # fmt: skip

    def fill(self, order_id: int, side: str, shares: int, price: float, at: float, exec_id: str = "") -> None:
        """One execution of AAA."""
        self.fills += 1
        self.add("executions", at=clock(at), exec_id=exec_id or f"x{self.fills}.a.01.01", order_id=order_id,
                 symbol="AAA", con_id=1, side=side, shares=str(shares), price=price, time=clock(at))  # fmt: skip

    def trip(self, item: str | None, entry: float, exit_: float, **given: Any) -> None:
        """One finished round trip of AAA, 1 USD of costs."""
        row = {"opened": 0.0, "closed": 60.0, "shares": 100, "r": 2.0, "reason": "target", **given}
        net = (exit_ - entry) * row["shares"] - 1
        self.add("round_trips", at=clock(row["closed"]), item_id=item, symbol="AAA", con_id=1,
                 opened_at=clock(row["opened"]), closed_at=clock(row["closed"]), quantity=str(row["shares"]),
                 entry_price=entry, exit_price=exit_, gross_usd=net + 1, costs_usd=1.0, net_usd=net,
                 reason=row["reason"], r=row["r"])  # fmt: skip

    def marks(self, quotes: Sequence[Quote], after: float = 0) -> None:
        """What was seen of AAA."""
        for at, price, bid in quotes:
            self.add("marks", at=clock(after + at), con_id=1, symbol="AAA", price=price, bid=bid, ask=price)

    def plain(self, quotes: Sequence[Quote] = CALM, **told: Any) -> None:
        """100 shares bought at 10 with a stop at 9.50, sold a minute later at 11: 99 USD after costs."""
        self.session()
        self.news("i", "s", **told)
        self.bracket("i", 1, 10.0, 11.0, 9.5)
        self.fill(1, "BUY", 100, 10.0, 0)
        self.fill(2, "SELL", 100, 11.0, 60)
        self.trip("i", 10.0, 11.0)
        self.marks(quotes)


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    """Connections that worlds wrote by are closed."""
    yield
    while World.opened:
        World.opened.pop().close()


def one(review: Review) -> dict[str, Any]:
    """The only trade of a review."""
    (row,) = review.trades().to_dict("records")
    return {str(name): value for name, value in row.items()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout as the project, and a ledger of its own."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(Path(momentum_kit.__file__).parents[1])
    return tmp_path


def exits(review: Review) -> dict[str, dict[str, Any]]:
    """Each other exit by its name."""
    rows = review.other_exits().to_dict("records")
    return {str(row["exit"]): {str(name): value for name, value in row.items()} for row in rows}


def test_plain_trade(tmp_path: Path) -> None:
    """(11 - 10) x 100 - 1 = 99 USD; never below 10, at best 11."""
    World(tmp_path / "runs" / "s").plain()
    row = one(Review(tmp_path / "runs"))
    assert (row["net_usd"], row["r"], row["mae_usd"], row["mfe_usd"]) == pytest.approx((99, 2, 0, 100))
    assert (row["exit_bps"], row["catalyst"], row["provider"]) == (pytest.approx(0), "fda", "DJ-N")
    assert (row["headline"], row["name"]) == ("AAA wins", "s/1")


def test_band_of_five(tmp_path: Path) -> None:
    """R of 1 to 5: mean 3, deviation sqrt(2.5), t(4; 0.975) 2.7764451, so 3 +- 1.9632432."""
    world = World(tmp_path / "runs" / "s")
    world.session()
    for r in range(1, 6):
        world.trip(f"i{r}", 10.0, 10.0 + r, opened=100.0 * r, closed=100.0 * r + 50, r=float(r))
    (row,) = Review(tmp_path / "runs").by("hour").to_dict("records")
    assert row["hour"] == "10:00"
    assert (row["r"], row["r_low"], row["r_high"]) == pytest.approx((3, 1.0367568, 4.9632432))
    assert (row["trades"], row["won"], row["net_usd"]) == (5, 5, pytest.approx(1500 - 5))


def test_page_holds_its_pictures_whole(tmp_path: Path) -> None:
    """The picture in the page is a PNG from its first byte to its last."""
    World(tmp_path / "runs" / "s").plain()
    page = Review(tmp_path / "runs").page(tmp_path / "page.html").read_text(encoding="utf-8")
    pictures = re.findall(r'src="data:image/png;base64,([^"]*)"', page)
    assert len(pictures) == 2  # all together, and the one
    assert all(base64.b64decode(picture).endswith(b"IEND\xaeB`\x82") for picture in pictures)


def test_page_shows_a_note_whole(tmp_path: Path) -> None:
    """The last word of a note that was taken stands in the page."""
    World(tmp_path / "runs" / "s").plain()
    review = Review(tmp_path / "runs")
    review.note(1, "word " * 200 + "last")
    assert "last" in review.page(tmp_path / "page.html").read_text(encoding="utf-8").partition("One by one")[2]


def test_page_lets_nothing_from_outside_run(tmp_path: Path) -> None:
    """Markup in headline, catalyst, provider, exit, tag and note stays text."""
    evil = "</style></title><script>alert(1)</script><img src=x onerror=1>"
    world = World(tmp_path / "runs" / "s")
    world.plain(text=evil + "\u202e\x1b[31m", catalyst=evil, provider=evil)
    world.db.execute("UPDATE round_trips SET reason = ?", (evil,))
    review = Review(tmp_path / "runs")
    review.tag(1, "<b>t")
    review.note(1, evil)
    page = review.page(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<img src=x" not in page and "<b>" not in page
    assert page.count("</style>") == page.count("<style") and page.count("</title>") == 1
    assert "\u202e" not in page and "\x1b" not in page


def test_excursion_sees_own_fills(tmp_path: Path) -> None:
    """Bought at 10; 50 sold at 13 and 50 at 9: the best is +3 and the worst -1 a share, of 100 shares."""
    world = World(tmp_path / "runs" / "s")
    world.session()
    world.bracket("i", 1, 10.0, 13.0, 9.0)
    world.fill(1, "BUY", 100, 10.0, 0)
    world.fill(2, "SELL", 50, 13.0, 58)
    world.fill(3, "SELL", 50, 9.0, 60)
    world.trip("i", 10.0, 11.0)
    world.marks(CALM)
    row = one(Review(tmp_path / "runs"))
    assert (row["mae_usd"], row["mfe_usd"]) == pytest.approx((-100, 300))


def test_what_nobody_saw_is_not_known(tmp_path: Path) -> None:
    """Held for a minute in which nothing was seen: neither worst nor best, and not in the mean of the group either."""
    World(tmp_path / "runs" / "blind").plain([])
    assert np.isnan(one(Review(tmp_path / "runs"))["mae_usd"])
    World(tmp_path / "runs" / "seen").plain([(5, 9.9, 9.89), *CALM[1:]])
    (row,) = Review(tmp_path / "runs").by("exit").to_dict("records")
    assert row["mae_usd"] == pytest.approx(-10)


def test_a_purchase_after_the_close_has_no_other_exit(project: Path) -> None:
    """At 16:30 everything should have been flat: no exit of a session is to be compared with."""
    world = World(project / "runs" / "s")
    world.plain()
    for table, column in (
        ("round_trips", "opened_at"),
        ("round_trips", "closed_at"),
        ("executions", "time"),
        ("marks", "at"),
    ):
        world.db.execute(f"UPDATE {table} SET {column} = strftime('%Y-%m-%dT%H:%M:%S.000Z', {column}, '+390 minutes')")
    assert {row["trades"] for row in exits(Review(project / "runs")).values()} == {0}


def test_signs_that_a_font_does_not_have_are_no_matter(tmp_path: Path) -> None:
    """A headline with emoji and Chinese: a picture, and no warning."""
    World(tmp_path / "runs" / "s").plain(text="\U0001f680 \u6f22\u5b57 wins")
    Review(tmp_path / "runs").picture(1, tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_excursion_begins_with_the_purchase(tmp_path: Path) -> None:
    """The close that led to the order was 9.80; bought at 10 after it, the price never was below 10."""
    World(tmp_path / "runs" / "s").plain([(0, 9.8, 9.79), *CALM])
    assert one(Review(tmp_path / "runs"))["mae_usd"] == pytest.approx(0)


def test_other_exit_begins_with_the_purchase(project: Path) -> None:
    """The bid of the deciding bar is below the stop; after the purchase it is 9.99 for 5 minutes: -1 - 1 USD."""
    World(project / "runs" / "s").plain([(0, 9.5, 9.4), *CALM])
    assert exits(Review(project / "runs"))[STOP_ONLY]["net_usd"] == pytest.approx(-2)


def test_marks_without_a_price_tell_nothing(project: Path) -> None:
    """Between 5 s and 300 s nothing was quoted: whether the stop was crossed nobody knows."""
    blind: list[Quote] = [(float(at), None, None) for at in range(10, 300, 5)]
    World(project / "runs" / "s").plain([(5, 10.0, 9.99), *blind, (300, 12.0, 11.99)])
    row = exits(Review(project / "runs"))[STOP_2X]
    assert (row["trades"], row["not_known"]) == (0, 1)


def test_a_gap_is_unknown(project: Path) -> None:
    """No mark for five minutes: all 36 are unknown."""
    World(project / "runs" / "s").plain([(5, 10.0, 9.99), (300, 12.0, 11.99)])
    found = exits(Review(project / "runs"))
    assert len(found) == 36
    assert all(row["not_known"] == 1 and np.isnan(row["net_usd"]) for row in found.values())


def test_marks_out_of_order(project: Path) -> None:
    """The bid was 11.05 after 10 s and 8.99 after 20 s: a target at 11 was met first, so +100 - 1."""
    World(project / "runs" / "s").plain([(5, 10.0, 9.99), (20, 9.0, 8.99), (10, 11.1, 11.05)])
    assert exits(Review(project / "runs"))[STOP_2X]["net_usd"] == pytest.approx(99)


@pytest.mark.parametrize("bid", [-1.0, 0.0])
def test_no_bid_is_no_price(project: Path, bid: float) -> None:
    """Without a bid the price stands in: at 10 for five minutes, so 0 - 1."""
    World(project / "runs" / "s").plain([(float(at), 10.0, bid) for at in range(5, 400, 5)])
    assert exits(Review(project / "runs"))[STOP_ONLY]["net_usd"] == pytest.approx(-1)


def test_gap_through_stop_and_target_at_its_price(project: Path) -> None:
    """Bid 9.00 below a stop at 9.50 sells at 9.00: -101. With a bid of 12 a target at 11 sells at 11: +99."""
    World(project / "down" / "s").plain([(5, 9.0, 9.0)])
    assert exits(Review(project / "down"))[STOP_2X]["net_usd"] == pytest.approx(-101)
    World(project / "up" / "s").plain([(5, 12.0, 12.0)])
    assert exits(Review(project / "up"))[STOP_2X]["net_usd"] == pytest.approx(99)


def test_each_exit_is_counted_once(project: Path) -> None:
    """36 trials after one look, and after two."""
    World(project / "runs" / "s").plain()
    for _ in range(2):
        Review(project / "runs").other_exits()
        (ledger,) = (project / "state").rglob("trials.db")
        with closing(sqlite3.connect(ledger)) as counted:
            assert counted.execute("SELECT count(*) FROM trials").fetchone() == (36,)


def test_second_trip_of_an_item_has_its_own_stop(project: Path) -> None:
    """Bought again at 20 with a stop at 19 and a bid of 18.90: sold there, (18.90 - 20) x 100 - 1 = -111."""
    world = World(project / "runs" / "s")
    world.plain([(5, 10.0, 9.99), (10, 11.0, 11.0)])
    world.bracket("i", 11, 20.0, 22.0, 19.0, at=600)
    world.fill(11, "BUY", 100, 20.0, 600)
    world.fill(12, "SELL", 100, 22.0, 660)
    world.trip("i", 20.0, 22.0, opened=600.0, closed=660.0)
    world.marks([(5, 18.9, 18.9)], after=600)
    # the first is sold by its target at 11 for +99
    assert exits(Review(project / "runs"))[STOP_2X]["net_usd"] == pytest.approx(99 - 111)


def test_back_to_back_trips_keep_their_fills(tmp_path: Path) -> None:
    """The first was bought at its limit, 0 bps; the next in the second of its sale, 12.12 for 12.00: 100 bps."""
    world = World(tmp_path / "runs" / "s")
    world.session()
    world.bracket("i", 1, 10.0, 12.0, 9.5)
    world.bracket("j", 11, 12.0, 14.0, 11.0, at=60)
    world.fill(1, "BUY", 100, 10.0, 0)
    world.fill(2, "SELL", 100, 12.0, 60)
    world.fill(11, "BUY", 100, 12.12, 60)
    world.fill(12, "SELL", 100, 14.0, 120)
    world.trip("i", 10.0, 12.0)
    world.trip("j", 12.12, 14.0, opened=60.0, closed=120.0)
    rows = Review(tmp_path / "runs").trades().to_dict("records")
    assert [row["entry_bps"] for row in rows] == pytest.approx([0, 100])
    assert [row["exit_bps"] for row in rows] == pytest.approx([0, 0])


def test_corrected_execution(tmp_path: Path) -> None:
    """A correction of the purchase to 10.10 replaces it: 100 bps above the limit."""
    world = World(tmp_path / "runs" / "s")
    world.plain()
    world.fill(1, "BUY", 100, 10.1, 0, exec_id="x1.a.01.02")
    assert one(Review(tmp_path / "runs"))["entry_bps"] == pytest.approx(100)


def test_nothing_is_called_nan(tmp_path: Path) -> None:
    """What nobody told is 'unknown', and a headline without words is empty."""
    World(tmp_path / "runs" / "s").plain(catalyst=None, provider=None, text=None)
    row = one(Review(tmp_path / "runs"))
    assert (row["catalyst"], row["provider"], row["headline"]) == ("unknown", "unknown", "")


def test_taken_over(tmp_path: Path) -> None:
    """Without order, headline, item and R, the profit is told and the rest is unknown."""
    world = World(tmp_path / "runs" / "s")
    world.session()
    world.trip(None, 10.0, 11.0, r=None, reason=None)
    row = one(Review(tmp_path / "runs"))
    assert (row["net_usd"], row["exit"], row["catalyst"], row["headline"]) == (99, "unknown", "unknown", "")
    assert np.isnan(row["r"]) and np.isnan(row["entry_bps"])


def test_a_session_without_equity_is_told(tmp_path: Path) -> None:
    """Its round trip is shown, or the session is named among the problems."""
    world = World(tmp_path / "runs" / "s")
    world.plain()
    world.db.execute("DELETE FROM equity")
    review = Review(tmp_path / "runs")
    assert len(review) == 1 or review.problems


def test_days_are_those_of_the_trades(tmp_path: Path) -> None:
    """A session from Monday 15:00 on that traded on Tuesday has a trade on Tuesday, and none on Monday."""
    world = World(tmp_path / "runs" / "s")
    world.plain()
    world.session(at=-19 * 3600)
    assert len(Review(tmp_path / "runs", "2026-05-12", "2026-05-12")) == 1
    assert len(Review(tmp_path / "runs", "2026-05-11", "2026-05-11")) == 0


def test_oldest_first(tmp_path: Path) -> None:
    """A session named `a` is a day later than the one named `b`."""
    World(tmp_path / "runs" / "b").plain()
    later = World(tmp_path / "runs" / "a")
    later.session(at=86_000)
    later.trip("i", 10.0, 11.0, opened=86_400.0, closed=86_460.0)
    assert list(Review(tmp_path / "runs").trades()["name"]) == ["b/1", "a/1"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE round_trips SET quantity = 'abc'",
        "UPDATE round_trips SET opened_at = NULL",
        "UPDATE round_trips SET opened_at = 'yesterday'",
        "UPDATE executions SET time = NULL",
        "UPDATE executions SET exec_id = NULL",
        "UPDATE decisions SET decided_at = NULL",
        "UPDATE marks SET price = '12,5' WHERE id = 3",
        "UPDATE equity SET at = 'soon'",
        "ALTER TABLE orders DROP COLUMN change",
        "DROP TABLE marks",
    ],
)
def test_a_bad_session_hides_no_other(tmp_path: Path, sql: str) -> None:
    """The good one is shown, and the bad one named, in one line."""
    World(tmp_path / "runs" / "good").plain()
    bad = World(tmp_path / "runs" / "bad")
    bad.plain()
    bad.db.execute(sql)
    review = Review(tmp_path / "runs")
    assert "good/1" in list(review.trades()["name"])
    (problem,) = review.problems
    assert str(tmp_path / "runs" / "bad") in problem and "\n" not in problem


def test_broken_notes_hide_no_trade(tmp_path: Path) -> None:
    """The trade is there, its profit is in the sum, and the file is named."""
    World(tmp_path / "runs" / "s").plain()
    (tmp_path / "runs" / "s" / "notes.json").write_text("[]")
    review = Review(tmp_path / "runs")
    assert "notes.json" in review.problems[0]
    assert len(review) == 1


@pytest.mark.parametrize("content", ["[" * 200_000, '{"1": {"tags": ["\\ud800"], "note": ""}}'])
def test_odd_notes_end_in_one_line(tmp_path: Path, content: str) -> None:
    """Whatever is in the file, there is a line that names it or a table, and nothing half-written stays."""
    World(tmp_path / "runs" / "s").plain()
    (tmp_path / "runs" / "s" / "notes.json").write_text(content)
    try:
        review = Review(tmp_path / "runs")
        if len(review):
            review.trades()
            review.tag(1, "new")
    except (InputError, StorageError) as error:
        assert "notes.json" in str(error)
    assert not list((tmp_path / "runs" / "s").glob(".*.part"))


def test_name_is_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From above and from within: s/1."""
    World(tmp_path / "runs" / "s").plain()
    monkeypatch.chdir(tmp_path / "runs" / "s")
    assert one(Review("."))["name"] == "s/1"


def test_number_out_of_the_table(tmp_path: Path) -> None:
    """The cell of the column `trade` names the trade."""
    World(tmp_path / "runs" / "s").plain()
    review = Review(tmp_path / "runs")
    assert str(review.tag(review.trades()["trade"].iloc[0], "late")) == "late"


def test_datetime_as_a_day(tmp_path: Path) -> None:
    """A datetime stands for its day, or is refused in one line."""
    World(tmp_path / "runs" / "s").plain()
    try:
        assert len(Review(tmp_path / "runs", datetime(2026, 5, 12, 15, tzinfo=UTC))) == 1
    except InputError as error:
        assert "2026-05-12" in str(error)


def test_picture_is_where_it_was_asked_for(tmp_path: Path) -> None:
    """A name without an ending is that file, or refused."""
    World(tmp_path / "runs" / "s").plain()
    review = Review(tmp_path / "runs")
    try:
        review.picture(1, tmp_path / "out")
    except (InputError, StorageError):
        return
    assert (tmp_path / "out").is_file()


def test_a_picture_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """Nothing half-written: where no file can grow any more, what was there stays."""
    World(tmp_path / "runs" / "s").plain()
    review = Review(tmp_path / "runs")
    old = tmp_path / "p.png"
    old.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(StorageError, match=r"p\.png: not written"):
            review.picture(1, old)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert old.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["p.png"]


def test_notes_stay_and_the_journal_too(tmp_path: Path) -> None:
    """Another review finds them, under any range; no byte of the journal moved."""
    world = World(tmp_path / "runs" / "s")
    world.plain()
    world.db.close()
    before = (tmp_path / "runs" / "s" / "journal.db").read_bytes()
    review = Review(tmp_path / "runs")
    review.tag(1, "late", "late", "wide")
    review.note("s/1", "two\nlines")
    review.untag(1, "wide")
    again = Review(tmp_path / "runs" / "s")
    assert (again.notes("s/1").tags, again.notes(1).note) == (("late",), "two lines")
    assert (tmp_path / "runs" / "s" / "journal.db").read_bytes() == before


@pytest.mark.parametrize("words", ["", " ", "a,b", "x" * 31, "\u202e"])
def test_no_tag(tmp_path: Path, words: str) -> None:
    """Empty, with a comma, too long or unseen: refused, and no file is made."""
    World(tmp_path / "runs" / "s").plain()
    with pytest.raises(InputError, match="is no tag"):
        Review(tmp_path / "runs").tag(1, words)
    assert not (tmp_path / "runs" / "s" / "notes.json").exists()
