from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from momentum_kit.detection.news import StoryMemory, Telling, read_headline
from momentum_kit.models import Catalyst, Certainty, Direction, HeadlinePhase, HeadlineRow, MetaRow
from momentum_kit.runtime.engine.recall import OWNER, recall_stories
from momentum_kit.storage.journal import SqliteJournal

KEEP = timedelta(hours=24)
TEXT = "Acme Therapeutics (ACME) wins army contract for field kits"


def row(at, text=TEXT, article_id="BZ$1234abcd"):
    """A headline that became an item."""
    return HeadlineRow(
        at=at, story_id="1234abcd", provider="BZ", article_id=article_id, text=text, published_at=at, received_at=at,
        phase=HeadlinePhase.LIVE, outcome="item", reason="", symbols=["ACME"], n_tickers=1,
        catalyst=Catalyst.CONTRACT_AWARD, catalyst_rule="contract", parse_ms=0.1, resolve_ms=0.1,
        catalyst_words="wins army contract", about=Catalyst.CONTRACT_AWARD, direction=Direction.UP,
        certainty=Certainty.DONE, amount_usd=float("nan"),
    )  # fmt: skip


def journal(runs, name, owner, *rows):
    """A journal that an earlier engine left."""
    (runs / name).mkdir()
    with closing(SqliteJournal(runs / name / "journal.db")) as made:
        for each in (MetaRow(key=OWNER, value=owner), *rows):
            made.write(each)


def telling(text, article_id):
    """A headline heard after the restart."""
    found = Telling.of(read_headline(text, article_id=article_id))
    return replace(found, symbols=("ACME",), named=("ACME",))


def test_what_an_earlier_engine_heard_is_known_after_a_restart(tmp_path):
    """Under its id and in other words; not what another account's engine heard."""
    now = datetime.now(UTC)
    journal(tmp_path, "first", "DU1", row(now))
    journal(tmp_path, "other", "DU2", row(now, "Globex (GLBX) opens its second plant in Ohio", "BZ$9999ffff"))
    memory = StoryMemory(KEEP)
    assert recall_stories(memory, tmp_path, "DU1", now=now, keep=KEEP) == 1
    assert memory.hear(telling("Something else entirely", "FLY$1234abcd"), now).known
    assert memory.hear(telling("Acme Thera (ACME) awarded contract by Army for field kits", "FLY$aaaa1111"), now).known
    assert not memory.hear(telling("Globex (GLBX) opens its second plant in Ohio", "BZ$9999ffff"), now).known


def test_a_simulated_day_that_begins_anew_has_heard_nothing(tmp_path):
    """Its market time lies elsewhere than the wall says."""
    market = datetime(2026, 3, 2, 15, tzinfo=UTC)
    journal(tmp_path, "first", "sim-1", row(market + timedelta(hours=2)))
    journal(tmp_path, "second", "sim-1", row(market - timedelta(hours=2)))
    assert recall_stories(StoryMemory(KEEP), tmp_path, "sim-1", now=market, keep=KEEP) == 0


def test_a_journal_that_cannot_be_read_is_left_out(tmp_path):
    """Neither a broken file nor one of an older kit stops a start."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "journal.db").write_bytes(b"no database at all")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "journal.db").write_bytes(b"")
    assert recall_stories(StoryMemory(KEEP), tmp_path, "DU1", now=datetime.now(UTC), keep=KEEP) == 0
