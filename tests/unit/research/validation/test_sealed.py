import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import pandas as pd
import pytest

from momentum_kit.errors import GuardRefused, ResearchError, StorageError
from momentum_kit.research import code_version
from momentum_kit.research.events import EventTable
from momentum_kit.research.events.table import EVENT_DTYPES, event_frame
from momentum_kit.research.seals import SealLog
from momentum_kit.research.validation import adopt, renew, seal
from momentum_kit.research.validation.bootstraps import Band


def table(days: int, first: str = "2026-01-05") -> EventTable:
    """Two events a day at one decision time."""
    day = np.repeat(np.datetime64(first) + np.arange(days), 2)
    columns = {name: np.full(len(day), 0 if "int" in kind else "", dtype=object) for name, kind in EVENT_DTYPES.items()}
    times = pd.to_datetime(day).tz_localize("UTC")
    columns |= {"day": day, "published_at": times, "received_at": times, "imputed": np.zeros(len(day), bool)}
    columns["con_id"] = np.zeros(len(day), int)
    at = day.astype("datetime64[us]")[:, None]
    return EventTable(events=event_frame(columns), at=at, features={}, gate=np.zeros(at.shape, np.int8))


def test_studies_see_everything_but_the_last_fifth(tmp_path):
    """Twenty days keep sixteen; what is sealed tells how much it is and no more."""
    study = seal(table(20), tmp_path / "seals.db")
    assert len(np.unique(study.table.days)) == 16
    assert study.sealed is not None
    assert (study.sealed.days, study.sealed.events) == (4, 8)
    assert study.table.days.max() < np.datetime64(study.sealed.first_day)
    assert not [name for name in dir(study.sealed) if isinstance(getattr(study.sealed, name), EventTable | np.ndarray)
                and not name.startswith("_Sealed__")]  # fmt: skip
    with pytest.raises(ResearchError, match="not copied"):
        pickle.dumps(study.sealed)


def test_the_seal_opens_once_and_says_when_it_was(tmp_path):
    """The opening is on record with time, code version and candidate; a second one is refused, by any study."""
    study = seal(table(20), tmp_path / "seals.db")
    assert study.sealed is not None
    opened = study.sealed.open("sha256:abc")
    assert len(opened) == 8
    record = SealLog(tmp_path / "seals.db").about(table(20).instrument_days).records[-1]
    assert (record.what, record.candidate, record.code_version) == ("opened", "sha256:abc", code_version())
    again = seal(table(20).select(np.arange(40) % 2 == 0), tmp_path / "seals.db")
    assert again.sealed is not None
    with pytest.raises(GuardRefused, match=rf"opened at {record.at[:10]}.* for candidate sha256:abc") as caught:
        again.sealed.open("sha256:other")
    assert "\n" not in str(caught.value)
    assert len(np.unique(again.table.days)) == 16


def test_the_opening_is_on_record_before_anything_is_seen(tmp_path):
    """Where the record cannot be written the days stay closed."""
    log = tmp_path / "seals.db"
    study = seal(table(20), log)
    assert study.sealed is not None
    log.unlink()
    log.mkdir()
    with pytest.raises(StorageError, match="without a record nothing is opened"):
        study.sealed.open("sha256:abc")


def test_only_one_of_many_at_once_gets_in(tmp_path):
    """Two studies that open at the same moment: one sees the days."""
    studies = [seal(table(20), tmp_path / "seals.db") for _ in range(8)]

    def attempt(study) -> bool:
        try:
            study.sealed.open("sha256:abc")
        except GuardRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, studies)) == 1


def test_the_boundary_stays_where_it_was_first(tmp_path):
    """More data does not move it: what was sealed stays sealed, and what comes later is sealed too."""
    first = seal(table(20), tmp_path / "seals.db")
    more = seal(table(40), tmp_path / "seals.db")
    assert first.sealed is not None
    assert more.sealed is not None
    assert more.sealed.first_day == first.sealed.first_day
    assert more.sealed.days == 24
    with pytest.raises(ResearchError, match="every day of this selection is sealed"):
        seal(table(3, "2026-01-22"), tmp_path / "seals.db")
    assert seal(table(10), tmp_path / "seals.db").sealed is None


def test_opened_days_teach_only_once_newer_ones_are_sealed(tmp_path):
    """Renewing needs an opened seal and a fifth of new days behind it."""
    log = tmp_path / "seals.db"
    study = seal(table(20), log)
    with pytest.raises(GuardRefused, match="not opened yet"):
        renew(table(40), log)
    assert study.sealed is not None
    study.sealed.open("sha256:abc")
    with pytest.raises(GuardRefused, match="2 days since the opened ones, 5 are needed"):
        renew(table(22), log)
    fresh = renew(table(40), log)
    assert fresh.sealed is not None
    assert fresh.sealed.days == 8
    assert len(np.unique(fresh.table.days)) == 32
    assert len(fresh.sealed.open("sha256:def")) == 16


def test_few_days_are_open_and_never_sealed_afterwards(tmp_path):
    """Nothing is sealed of nine days, and that is on record: a seal needs a fifth of days that came after them."""
    log = tmp_path / "seals.db"
    for _ in range(2):
        study = seal(table(9), log)
        assert study.sealed is None
        assert len(study.table) == 18
    assert [record.what for record in SealLog(log).about(table(9).instrument_days).records] == ["looked at"]
    with pytest.raises(ResearchError, match=r"1 days came after .* to 2026-01-13; 2 are needed"):
        seal(table(10), log)
    later = seal(table(20), log)
    assert later.sealed is not None
    assert later.sealed.days == 4


def test_a_broken_record_is_refused(tmp_path):
    """A log that was edited is not guessed at."""
    log = tmp_path / "seals.db"
    seal(table(20), log)
    log.write_text("{half")
    with pytest.raises(StorageError, match="without a record nothing is opened"):
        seal(table(20), log)


def test_another_instrument_on_the_same_days_is_sealed_on_its_own(tmp_path):
    """Days nobody has seen can be sealed anew, also where another company's were opened."""
    log, other = tmp_path / "seals.db", table(30)
    other.events["symbol"] = "ELSE"
    first = seal(table(20), log)
    assert first.sealed is not None
    first.sealed.open("sha256:abc")
    fresh = seal(other, log)
    assert fresh.sealed is not None
    assert fresh.openings == ()
    assert len(fresh.sealed.open("sha256:def")) == 12


def test_days_that_came_later_stay_sealed_when_they_are_cut_out(tmp_path):
    """Whatever a table once held is remembered: an archive of its last days alone is no new one."""
    log = tmp_path / "seals.db"
    seal(table(20), log)
    assert seal(table(45), log).sealed is not None
    with pytest.raises(ResearchError, match="every day of this selection is sealed"):
        seal(table(18, "2026-02-01"), log)


def test_a_day_traded_live_is_open_and_the_seal_goes_on_without_it(tmp_path):
    """It has been seen, whether before the first seal or after it."""
    log, lived = tmp_path / "seals.db", {date(2026, 1, 23)}
    study = seal(table(20), log, lived=lived)
    assert study.sealed is not None
    assert np.datetime64("2026-01-23") in study.table.days
    assert (study.sealed.days, study.sealed.last_day) == (4, date(2026, 1, 24))
    later = seal(table(20), log, lived={*lived, date(2026, 1, 24)})
    assert later.sealed is not None
    assert later.sealed.days == 3


def test_the_result_of_an_opening_is_on_record(tmp_path):
    """With its band and fills, for every study that holds any of these days."""
    log = tmp_path / "seals.db"
    study = seal(table(20), log)
    assert study.sealed is not None
    with pytest.raises(ResearchError, match="not opened"):
        study.sealed.report("sha256:abc", Band(estimate=1, low=0, high=2, p_value=0, level=0.95), 3)
    study.sealed.open("sha256:abc")
    assert seal(table(20), log).openings[0].net_bps != seal(table(20), log).openings[0].net_bps  # nan: not known yet
    study.sealed.report("sha256:abc", Band(estimate=-7, low=-9, high=2, p_value=0, level=0.95), 3)
    (opening,) = seal(table(40), log).openings
    assert (opening.net_bps, opening.low_bps, opening.fills, opening.standing) == (-7, -9, 3, True)
    (opening,) = renew(table(40), log).openings
    assert not opening.standing


def test_records_of_a_study_folder_are_taken_over(tmp_path):
    """A seal of an earlier version, opened and all, is no seal that nobody remembers."""
    log, file = tmp_path / "seals.db", tmp_path / "sealed.jsonl"
    file.write_text(
        '{"what": "sealed", "first_day": "2026-01-21", "last_day": "2026-01-24", "at": "x", "code_version": "0.1.0"}\n'
        '{"what": "opened", "first_day": "2026-01-21", "last_day": "2026-01-24", "candidate": "sha256:old"}\n'
    )
    for _ in range(2):
        adopt(file, table(30), log)
    study = seal(table(30), log)
    assert study.sealed is not None
    assert (study.sealed.first_day, len(study.openings)) == (date(2026, 1, 21), 1)
    with pytest.raises(GuardRefused, match="for candidate sha256:old"):
        study.sealed.open("sha256:new")
    file.write_text("{half")
    with pytest.raises(ResearchError, match="not JSON"):
        adopt(file, table(30), log)
