"""Trades looked back at: each with its story, together, on their tape, with notes that stay, and in hindsight."""

import hashlib
import json
import math
import re
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from momentum_kit.cli import main
from momentum_kit.errors import InputError, StorageError
from momentum_kit.notebook.review import Review
from momentum_kit.research.plots import deepest_fall
from momentum_kit.research.sweep import TrialLedger
from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put

EVIL = "$0.21 vs $0.02 <script>alert(1)</script> \u202etsrif"


class World:
    """Sessions of one trade each, told by what happened and not by how the kit writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def session(self, name: str, hour: int, day: int, *, path: list[float], symbol: str = "QRST", **trade: Any) -> Path:
        """Bought 100 at 10.00 at the start of `path`, prices every 5 s, and sold at the last but three of them."""
        run = self.folder / name
        run.mkdir(parents=True)
        journal = SqliteJournal(run / "journal.db")
        at = f"2026-11-{day:02}T{hour:02}:%02d:%02d.000Z"
        moments = [at % divmod(5 * step, 60) for step in range(len(path))]
        sold_at, sold = moments[-4], path[-4]
        item = f"story:{symbol}"
        net = trade.get("net", (sold - 10.0) * 100 - 2.0)
        put(journal, "headlines", at=moments[0], story_id="story", provider="BRFG", text=trade.get("text", "Wins"),
            received_at=moments[0], outcome="item", reason="", symbols=[symbol])  # fmt: skip
        put(
            journal,
            "items",
            at=moments[0],
            item_id=item,
            story_id="story",
            symbol=symbol,
            con_id=7,
            catalyst="contract",
        )
        for leg, kind, price in (("entry", "LMT", 10.05), ("target", "LMT", 10.20), ("stop", "STP", 9.90)):
            column = "stop_price" if leg == "stop" else "limit_price"
            put(journal, "orders", at=moments[0], item_id=item, order_id=len(leg), leg=leg, symbol=symbol, con_id=7,
                order_type=kind, quantity=100, change="place", **{column: price})  # fmt: skip
        for moment, price in zip(moments, path, strict=True):
            put(journal, "marks", at=moment, con_id=7, symbol=symbol, price=price, bid=price - 0.01, ask=price + 0.01)
        put(journal, "decisions", at=moments[0], item_id=item, symbol=symbol, con_id=7, decided_at=moments[0],
            verdict="signal", final=0)  # fmt: skip
        for number, (side, price, moment, order) in enumerate(
            (("BUY", 10.0, moments[0], 5), ("SELL", sold, sold_at, 6))
        ):
            put(journal, "executions", at=moment, time=moment, exec_id=f"{name}{number}.01", order_id=order,
                symbol=symbol, con_id=7, side=side, shares=100, price=price, liquidation=0)  # fmt: skip
        put(journal, "round_trips", at=sold_at, item_id=item, symbol=symbol, con_id=7, opened_at=moments[0],
            closed_at=sold_at, quantity=100, entry_price=10.0, exit_price=sold, gross_usd=(sold - 10.0) * 100,
            costs_usd=2.0, net_usd=net, reason=trade.get("reason", "target"), r=net / 10.0)  # fmt: skip
        put(journal, "equity", at=moments[0], realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0)
        journal.close()
        return run


UP = [10.00, 9.95, 10.10, 10.20, 10.15, 10.40, 10.30]  # sold at 10.20, 15 s after the entry
DOWN = [10.00, 10.04, 9.96, 9.88, 9.80, 9.70, 9.60]  # at 9.88


@pytest.fixture
def week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sessions: two days with one winner each, and one with a loser; winter time, so New York is 5 h behind."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    world = World(tmp_path / "runs")
    world.session("2026-11-16T14-29-58Z", 15, 16, path=UP)
    world.session("2026-11-17T14-29-58Z", 15, 17, path=DOWN, symbol="UVWX", reason="stop", text=EVIL)
    world.session("2026-11-18T14-29-58Z", 19, 18, path=UP)
    return world.folder


def test_a_trade_stands_there_with_all_that_happened_to_it(week: Path) -> None:
    """100 shares, 10.00 to 10.20 for 2.00 of costs; five cents down first, twenty up at its best."""
    first = Review(week).trades().iloc[0]
    assert (first["net_usd"], first["mae_usd"], first["mfe_usd"]) == pytest.approx((18.0, -5.0, 20.0))
    assert (first["r"], first["held_s"], first["exit"]) == (pytest.approx(1.8), 15.0, "target")
    assert (first["catalyst"], first["provider"], first["headline"]) == ("contract", "BRFG", "Wins")
    assert first["entry_bps"] == pytest.approx((10.00 - 10.01) / 10.01 * 1e4)  # below the ask of the decision
    assert first["exit_bps"] == pytest.approx(0.0)  # at the target's own price
    assert first["name"] == "2026-11-16T14-29-58Z/1"


def test_days_choose_what_is_reviewed(week: Path) -> None:
    """Both ends included; one session's folder is a review of its own."""
    assert len(Review(week)) == 3
    assert list(Review(week, "2026-11-17", "2026-11-17").trades()["symbol"]) == ["UVWX"]
    assert len(Review(week, first="2026-11-18")) == len(Review(week / "2026-11-18T14-29-58Z")) == 1
    assert len(Review(week, "2026-12-01")) == 0
    assert "no finished trade" in Review(week, "2026-12-01").conclusion()


def test_groups_add_up_and_say_when_they_are_rumours(week: Path) -> None:
    """15:00 and 19:00 UTC are 10:00 and 14:00 in New York."""
    review = Review(week)
    hours = review.by("hour").set_index("hour")
    assert list(hours.index) == ["10:00", "14:00"]
    assert hours.loc["10:00", "net_usd"] == pytest.approx(18.0 - 14.0)
    assert (hours.loc["10:00", "trades"], hours.loc["10:00", "won"]) == (2, 1)
    assert set(hours["mark"]) == {"few"}
    assert review.by("exit").set_index("exit").loc["stop", "r"] == pytest.approx(-1.4)
    assert list(review.by("day")["day"]) == ["2026-11-16", "2026-11-17", "2026-11-18"]
    assert len(review.by("tag")) == 0


def test_a_band_needs_five_trades_and_is_student_s(tmp_path: Path) -> None:
    """1 to 5 R: mean 3, deviation 1.58, and 2.776 deviations of the mean each way."""
    world = World(tmp_path)
    for number in range(1, 6):
        world.session(f"s{number}", 15, 15 + number, path=UP, net=10.0 * number)
    (row,) = Review(tmp_path).by("provider").to_dict("records")
    reach = 2.776445 * math.sqrt(2.5 / 5)
    assert (row["r"], row["r_low"], row["r_high"]) == pytest.approx((3.0, 3.0 - reach, 3.0 + reach))
    (row,) = Review(tmp_path, "2026-11-16", "2026-11-19").by("provider").to_dict("records")
    assert math.isnan(row["r_low"])


def test_tags_and_notes_stay_with_the_session(week: Path) -> None:
    """Found by the next review, by number or by name; a tag is a group; taken away they are gone."""
    Review(week).tag(2, "late", "wide spread")
    Review(week).note("2026-11-18T14-29-58Z/1", "held through the halt")
    later = Review(week)
    assert list(later.trades()["tags"]) == ["", "late, wide spread", ""]
    assert later.trades()["note"].iloc[2] == "held through the halt"
    assert list(later.by("tag")["tag"]) == ["late", "wide spread"]
    assert Review(week, "2026-11-17").trades()["tags"].iloc[0] == "late, wide spread"  # another number, the same trade
    later.tag(2, "late")  # once is enough
    later.untag(2, "wide spread")
    later.note(3, "")
    assert str(Review(week).notes(2)) == "late"
    assert str(Review(week).notes(3)) == "nothing noted"


def test_a_review_changes_no_journal(week: Path) -> None:
    """Whatever is looked at and noted."""
    journals = sorted(week.glob("*/journal.db"))
    before = [hashlib.sha256(each.read_bytes()).hexdigest() for each in journals]
    review = Review(week)
    review.tag(1, "x")
    review.other_exits()
    review.picture(1)
    assert [hashlib.sha256(each.read_bytes()).hexdigest() for each in journals] == before


def test_other_exits_are_counted_before_they_are_shown(week: Path, tmp_path: Path) -> None:
    """36 trials on these days, and the same again are the same; without the ledger nothing is shown."""
    review = Review(week)
    shown = review.other_exits()
    assert len(shown) == 36
    with TrialLedger(tmp_path / "state" / "momentum_kit" / "research" / "trials.db") as ledger:
        assert ledger.count() == 36
        assert ledger.count(["QRST 2026-11-16"]) == 36
    review.other_exits()
    with TrialLedger(tmp_path / "state" / "momentum_kit" / "research" / "trials.db") as ledger:
        assert ledger.count() == 36
    assert shown.caption.startswith("HINDSIGHT")
    for file in (tmp_path / "state" / "momentum_kit" / "research").glob("trials.db*"):
        file.unlink()
    (tmp_path / "state" / "momentum_kit" / "research" / "trials.db").write_bytes(b"no database" * 500)
    with pytest.raises(StorageError):
        review.other_exits()


def test_other_exits_net_what_the_marks_say(week: Path) -> None:
    """By hand: the stop is ten cents below; bids are a cent below the marks."""
    shown = Review(week).other_exits().set_index("exit")
    near = shown.loc["stop x0.5, target x1, 5 min"]
    # the winners: 9.94 is below 9.95 after 5 s; the loser: 9.95 after 10 s is at it
    assert near["net_usd"] == pytest.approx(2 * (9.94 - 10) * 100 - 2 * 2 + (9.95 - 10) * 100 - 2)
    assert (near["trades"], near["lived_usd"]) == (3, pytest.approx(18.0 + 18.0 - 14.0))
    wide = shown.loc["stop x1, target x3, 5 min"]
    # the winners reach 10.39 after 25 s, sold at 10.30; the loser's bid of 9.87 after 15 s is through 9.90
    assert wide["net_usd"] == pytest.approx(2 * 28.0 + (9.87 - 10) * 100 - 2)
    far = shown.loc["stop x1, no target, 5 min"]
    assert (far["trades"], far["not_known"]) == (1, 2)  # the winners' marks end before 5 minutes are over
    assert far["more_usd"] == pytest.approx((9.87 - 9.88) * 100)


def test_the_deepest_fall_is_from_the_highest_so_far() -> None:
    """100, then 60, 30, 110: forty and thirty down from a hundred; and what begins with a loss falls from nothing."""
    assert deepest_fall(np.array([100.0, -40.0, -30.0, 80.0])) == 70.0
    assert deepest_fall(np.array([-25.0, 10.0])) == 25.0
    assert deepest_fall(np.array([5.0, 5.0])) == 0.0


def test_all_trades_together_are_one_picture(week: Path) -> None:
    """Three trades in two hours of the day, and it is a picture; without a trade it is refused in words."""
    picture = Review(week).overview()
    titles = [axes.get_title(loc="left") for axes in picture.axes]
    assert titles == ["What they came to", "Spread of R", "What they went through", "By hour of the entry"]
    assert [label.get_text() for label in picture.axes[3].get_xticklabels()] == [f"{hour}:00" for hour in range(10, 15)]
    assert picture._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="no trade"):
        Review(week, "2026-12-01").overview()


def test_trades_of_which_little_is_known_are_drawn_as_far_as_they_are(tmp_path: Path) -> None:
    """No risk, and nothing seen while it was held: the panels say so."""
    run = World(tmp_path).session("s", 15, 16, path=UP)
    with closing(sqlite3.connect(run / "journal.db")) as journal, journal:
        journal.execute("UPDATE round_trips SET r = NULL")
        journal.execute("DELETE FROM marks")
    words = [text.get_text() for axes in Review(tmp_path).overview().axes for text in axes.texts]
    assert "no trade has an initial risk" in words
    assert "nothing was seen of any while it was held" in words


def test_the_page_is_whole_and_nothing_of_a_headline_runs(week: Path, tmp_path: Path) -> None:
    """One file: a picture a trade, notes and headlines as they are written, no markup of theirs, no other address."""
    review = Review(week)
    review.note(1, "<img src=x onerror=alert(2)>")
    text = review.page(tmp_path / "week.html").read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 4  # one of all together
    assert not re.search(r"<script|<img src=x|onerror=alert\(2\)>(?!\")", text)
    assert "&lt;img src=x onerror=alert(2)&gt;" in text
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert "\u202e" not in text


def test_a_session_that_cannot_be_read_hides_no_other(week: Path) -> None:
    """A damaged journal, one of an older kit, spoilt notes: each is told in one line, the rest stands there."""
    (week / "broken").mkdir()
    (week / "broken" / "journal.db").write_bytes(b"not a database at all" * 100)
    (week / "2026-11-17T14-29-58Z" / "notes.json").write_text("{never closed")
    review = Review(week)
    assert list(review.trades()["symbol"]) == ["QRST", "UVWX", "QRST"]
    assert len(review.problems) == 2
    assert all("\n" not in each and str(week) in each for each in review.problems)
    assert "mend it, or move it away" in repr(review)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (lambda week: Review(week / "elsewhere"), "no such folder"),
        (lambda week: Review(week, "yesterday"), "write it as 2026-11-20"),
        (lambda week: Review(week, "2026-11-18", "2026-11-17"), "the first day comes first"),
        (lambda week: Review(week).by("week"), "choose one of day, hour"),
        (lambda week: Review(week).picture(4), "1 to 3, or a name such as"),
        (lambda week: Review(week).picture(0), "1 to 3, or a name such as"),
        (lambda week: Review(week).tag(1, "a, b"), "no comma"),
        (lambda week: Review(week).tag(1, "  "), "is no tag"),
        (lambda week: Review(week).tag(1, *map(str, range(21))), "20 are the most"),
        (lambda week: Review(week).untag(1, "late"), "its tags: none"),
        (lambda week: Review(week).note(1, "x" * 2001), "2,000 are the most"),
        (lambda week: Review(week, "2026-12-01").other_exits(), "no trade"),
    ],
)
def test_bad_input_is_one_line(week: Path, asked: Callable[[Path], object], words: str) -> None:
    """What is wrong, and what to do instead; nothing was written."""
    with pytest.raises(InputError, match=re.escape(words)):
        asked(week)
    assert not list(week.glob("*/notes.json"))


def test_notes_that_cannot_be_written_leave_those_before(week: Path) -> None:
    """No file may grow any more, as on a full disk."""
    review = Review(week)
    review.tag(1, "kept")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(StorageError, match="the notes are as before"):
            review.tag(1, "lost")
        with pytest.raises(StorageError):
            review.page(week / "week.html")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(Review(week).notes(1)) == "kept"
    assert not [each.name for each in week.rglob("*") if each.suffix in (".part", ".html")]


def test_the_command_shows_notes_and_writes(week: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people in words, for a program as one object."""
    assert main(["review", str(week), "--by", "exit"]) == 0
    told = capsys.readouterr().out
    assert "3 sessions, 3 trades, 2 won: +22.00 USD" in told
    assert main(["review", str(week), "--trade", "2", "--tag", "late", "--note", "slow", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["told"] == ["2: late; slow"]
    assert main(["review", str(week), "--trade", "2", "--picture", str(tmp_path / "two.png")]) == 0
    assert (tmp_path / "two.png").read_bytes().startswith(b"\x89PNG")
    assert main(["review", str(week), "--page", str(tmp_path / "week.html")]) == 0
    assert main(["review", str(week), "--tag", "late"]) == 2
    assert main(["review", str(week), "--page", str(tmp_path / "nowhere" / "week.html")]) == 1
    assert "not written" in capsys.readouterr().err
