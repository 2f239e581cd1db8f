from collections import Counter
from datetime import UTC, date, datetime, timedelta

from momentum_kit.config import Thresholds, ThresholdsExport
from momentum_kit.runtime.engine.signal_watch import SignalWatch, record_thresholds
from tests.helpers.journal_rows import Rows

OPEN = datetime(2026, 7, 6, 13, 30, tzinfo=UTC)


def exported(low: float = 4.0, high: float = 5.0) -> Thresholds:
    """Thresholds as they are once their file has been loaded."""
    stamp = ThresholdsExport(
        exit_rule="a", first_day=date(2026, 1, 5), last_day=date(2026, 6, 30), code_version="x", trials=1, dsr=None,
        pbo=None, verdict="accept", signals_per_session=4.5, signals_per_session_low=low,
        signals_per_session_high=high, signals_dispersion=1.0, hash="",
    )  # fmt: skip
    return Thresholds().model_copy(update={"export": stamp})


class World:
    """Counts and warnings of one engine, and a clock that is moved by hand."""

    def __init__(self, thresholds: Thresholds) -> None:
        self.counts: Counter[str] = Counter()
        self.told: list[str] = []
        self.export = thresholds.export
        self.watch = SignalWatch("XNYS", self.counts, lambda level, text: self.told.append(f"{level}: {text}"))

    def pass_time(self, start: datetime, minutes: int, step_s: int = 30) -> datetime:
        """Beats until `minutes` later."""
        for second in range(0, minutes * 60 + 1, step_s):
            self.watch.look(start + timedelta(seconds=second), self.export)
        return start + timedelta(minutes=minutes)


def test_usual_days_are_silent():
    """Four signals a session warn nobody, for weeks."""
    world = World(exported())
    for day in range(5):
        world.pass_time(OPEN + timedelta(days=day), 200)
        world.counts["signals"] += 4
        world.pass_time(OPEN + timedelta(days=day, minutes=200), 190)
    assert world.told == []


def test_a_flood_is_told_within_a_quarter_of_an_hour_and_once():
    """The warning names both rates; it is not repeated."""
    world = World(exported())
    at = world.pass_time(OPEN, 20)
    world.counts["signals"] += 9
    world.pass_time(at, 60)
    assert len(world.told) == 1
    assert world.told[0].startswith("warning: too many signals: 9 in 0.0")
    assert "4.00 to 5.00 a session" in world.told[0]


def test_silence_is_told_after_days():
    """Not a single signal in two sessions does not fit four a session."""
    world = World(exported())
    world.pass_time(OPEN, 390)
    assert world.told == []
    world.pass_time(OPEN + timedelta(days=1), 390)
    assert [text[:20] for text in world.told] == ["warning: too few sig"]


def test_only_regular_hours_with_a_gateway_count():
    """Signals before the open, and hours without a connection, are not compared."""
    world = World(exported())
    world.counts["signals"] += 50
    world.pass_time(OPEN - timedelta(hours=2), 100)
    for minutes in (0, 350, 24 * 60 + 350):
        world.watch.look(OPEN + timedelta(minutes=minutes), world.export)
    assert world.told == []


def test_thresholds_without_an_export_are_not_watched():
    """There is nothing to compare with."""
    world = World(Thresholds())
    world.counts["signals"] += 500
    world.pass_time(OPEN, 390)
    assert world.told == []


def test_another_set_in_force_begins_anew():
    """What a human applied by hand is not held against what research expected of the file."""
    world = World(exported())
    at = world.pass_time(OPEN, 20)
    world.export = None
    world.counts["signals"] += 50
    at = world.pass_time(at, 60)
    world.export = exported().export
    world.pass_time(at, 60)
    assert world.told == []


def test_the_thresholds_of_a_session_are_on_record():
    """The journal names the set and the hash of its export, or says that it has none."""
    rows = Rows()
    stamped = exported()
    assert stamped.export is not None
    named = stamped.model_copy(update={"export": stamped.export.model_copy(update={"hash": "sha256:abc"})})
    record_thresholds(named, rows)
    record_thresholds(Thresholds(), rows)
    assert [row["value"] for row in rows["meta"]] == ["default sha256:abc", "default not exported"]
    assert {row["key"] for row in rows["meta"]} == {"thresholds"}
