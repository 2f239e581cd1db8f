from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from momentum_kit.models import Headline, HeadlinePhase
from momentum_kit.storage.archive import Archive, Provenance, now
from momentum_kit.storage.quality import Stamps, examine

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def heard(number: int, at: datetime, received_at: datetime | None, **fields) -> Headline:
    """One headline of a feed."""
    told = {"provider": "FEED", "article_id": f"FEED${number}", "text": "Acme (NASDAQ: ACME) wins", "published_at": at}
    return Headline(**(told | {"received_at": received_at} | fields))


def moments(count: int = 60) -> list[datetime]:
    """Instants to the microsecond, as news breaks."""
    rng = Random(3)
    return sorted(NOON + timedelta(days=n % 30, seconds=rng.uniform(0, 9000)) for n in range(count))


def cut(at: datetime, seconds: int = 60) -> datetime:
    """A stamp of a feed whose clock has such a step."""
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)


@pytest.mark.parametrize("seconds", [5, 15, 60, 300, 900, 3600])
def test_a_rounded_stamp_is_read_when_its_step_is_over(seconds):
    """What was cut off is added, so that nothing is read before it was written."""
    truth = moments()
    lines = [heard(n, cut(at, seconds), cut(at, seconds)) for n, at in enumerate(truth)]
    stamps = Stamps.of(lines)
    for line, at in zip(lines, truth, strict=True):
        read_at, guessed = stamps.reception(line)
        assert guessed
        assert read_at is not None
        assert at <= read_at <= at + timedelta(seconds=seconds)


def test_a_recorded_reception_stands_also_where_the_feed_stamps_minutes():
    """A clock of our own that measured different delays is what counts."""
    rng = Random(1)
    lines = [heard(n, cut(at), at + timedelta(seconds=rng.uniform(0.2, 2))) for n, at in enumerate(moments())]
    stamps = Stamps.of(lines)
    assert [stamps.reception(line) for line in lines] == [(line.received_at, False) for line in lines]
    assert stamps.grain(lines[0]) == MINUTE


@pytest.mark.parametrize("delay_s", [0.0, 0.3, 2.0])
def test_one_delay_for_all_is_a_guess(delay_s):
    """Nobody measures the same delay to the millisecond, again and again; zero is none at all."""
    lines = [heard(n, at, at + timedelta(seconds=delay_s)) for n, at in enumerate(moments())]
    stamps = Stamps.of(lines)
    assert all(stamps.reception(line) == (line.received_at, True) for line in lines)


def test_stamps_on_whole_seconds_hide_a_second():
    """Where the delay is a guess as well."""
    lines = [heard(n, cut(at, 1), cut(at, 1) + timedelta(seconds=1.5)) for n, at in enumerate(moments())]
    assert Stamps.of(lines).reception(lines[0])[0] == lines[0].received_at + timedelta(seconds=1)


def test_half_a_feed_on_whole_minutes_is_found_row_by_row():
    """Rows that were cut wait a minute, the others do not."""
    truth = moments(80)
    lines = [heard(n, cut(at) if n % 2 else at, cut(at) if n % 2 else at) for n, at in enumerate(truth)]
    stamps = Stamps.of(lines)
    waited = [stamps.reception(line)[0] - line.received_at for line in lines]
    assert waited == [MINUTE if n % 2 else timedelta() for n in range(80)]


def test_nobody_s_reception_stays_unknown_and_a_replayed_one_stays_as_it_is():
    """Neither is made up here."""
    at = moments(1)[0]
    assert Stamps.of([]).habits[""].headlines == 0
    replayed = heard(1, cut(at), cut(at), phase=HeadlinePhase.SNAPSHOT)
    stamps = Stamps.of([heard(0, at, None), replayed])
    assert stamps.reception(heard(0, at, None)) == (None, False)
    assert stamps.reception(replayed) == (replayed.received_at, False)


def test_data_quality_tells_times_that_tell_nothing(tmp_path):
    """By provider, with what a study makes of it; and headlines at hours at which nobody trades."""
    origin = Provenance(source="test", sha256="", imported_at=now(), adjusted=False)
    archive = Archive(tmp_path / "archive")
    lines = [heard(n, cut(at), cut(at)) for n, at in enumerate(moments())]
    lines += [heard(n, at, at + timedelta(seconds=1), provider="WIRE") for n, at in enumerate(moments())]
    archive.add_headlines(lines, origin)
    checks = {found.check: found.detail for found in examine(archive).findings}
    assert checks["delay zero"].startswith("FEED: 100% of 60 received at the instant of publication; a study")
    assert checks["rounded receptions"].startswith("FEED: receptions in steps of 60 s")
    assert checks["one delay"].startswith("WIRE: most of 60 received 1 s after publication")
    assert "beyond the session" not in checks
    night = Archive(tmp_path / "night")
    night.add_headlines([heard(n, at - timedelta(hours=13), None) for n, at in enumerate(moments())], origin)
    (beyond,) = [found for found in examine(night).findings if found.check == "beyond the session"]
    assert beyond.count == 60
