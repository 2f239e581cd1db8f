import dataclasses

import numpy as np
import pandas as pd
import pytest

from momentum_kit.detection.batch import GATES
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable
from momentum_kit.research.events.table import EVENT_DTYPES, FEATURES, concat, event_frame


def make_table(n: int = 3, k: int = 2, seed: int = 1, marks: tuple[str, ...] = ("BARS 60 s",)) -> EventTable:
    """Random numbers in every part; the last event has one decision time less."""
    rng = np.random.default_rng(seed)
    received = pd.date_range("2026-11-19 15:00:01", periods=n, freq="31s", tz="UTC")
    events = event_frame(
        {
            "item_id": [f"s{i}:{100 + i}" for i in range(n)],
            "story_id": [f"s{i}" for i in range(n)],
            "symbol": ["ACME"] * n,
            "con_id": range(100, 100 + n),
            "day": [pd.Timestamp("2026-11-19")] * n,
            "provider": ["BRFG"] * n,
            "catalyst": ["fda"] * n,
            "session": ["regular"] * n,
            "published_at": received - pd.Timedelta(seconds=1),
            "received_at": received,
            "imputed": [False] * n,
            "content": [""] * n,
            "text": ["Acme wins"] * n,
        }
    )
    start = (
        received.tz_localize(None).to_numpy().astype("datetime64[us]").astype("datetime64[m]").astype("datetime64[us]")
    )
    at = start[:, None] + np.timedelta64(60_000_000, "us") * np.arange(1, k + 1)
    at[-1, -1] = np.datetime64("NaT", "us")
    features = {name: rng.normal(size=(n, k)) for name in FEATURES}
    gate = rng.integers(0, len(GATES), (n, k)).astype(np.int8)
    net = {"default": np.where(rng.random((n, k)) < 0.3, np.nan, rng.normal(size=(n, k)))}
    return EventTable(
        events=events,
        at=at,
        features=features,
        gate=gate,
        net_bps=net,
        gross_bps={"default": net["default"] + 10},
        marks=marks,
    )


def assert_same(left: EventTable, right: EventTable) -> None:
    """Every part equal, types included."""
    pd.testing.assert_frame_equal(left.events, right.events)
    for name in ("at", "gate"):
        ours, theirs = getattr(left, name), getattr(right, name)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    for kind in ("features", "net_bps", "gross_bps"):
        assert list(getattr(left, kind)) == list(getattr(right, kind))
        for name, values in getattr(left, kind).items():
            np.testing.assert_array_equal(values, getattr(right, kind)[name])
    assert left.marks == right.marks


def test_a_saved_table_comes_back_whole(tmp_path):
    """Parquet keeps every value, type, nan, NaT and mark."""
    table = make_table()
    table.save(tmp_path / "sub" / "events.parquet")
    assert_same(EventTable.load(tmp_path / "sub" / "events.parquet"), table)


def test_the_same_table_gives_the_same_bytes(tmp_path):
    """So that a partition computed elsewhere can be compared as a file."""
    for name in ("a", "b"):
        make_table().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_empty_table_survives_saving(tmp_path):
    """A month without news is a table without rows."""
    table = make_table()
    empty = dataclasses.replace(
        table,
        events=table.events.iloc[:0],
        at=table.at[:0],
        gate=table.gate[:0],
        features={name: values[:0] for name, values in table.features.items()},
        net_bps={},
        gross_bps={},
    )
    empty.save(tmp_path / "t")
    loaded = EventTable.load(tmp_path / "t")
    assert len(loaded) == 0
    assert loaded.at.shape == loaded.features["z_tod"].shape == (0, 2)
    assert loaded.at.dtype == table.at.dtype


def test_only_the_wanted_columns_are_read(tmp_path):
    """A sweep needs a few features; the others stay on disk."""
    table = make_table()
    table.save(tmp_path / "t")
    loaded = EventTable.load(tmp_path / "t", ["z_tod", "default"])
    assert list(loaded.features) == ["z_tod"]
    assert list(loaded.net_bps) == list(loaded.gross_bps) == ["default"]
    np.testing.assert_array_equal(loaded.at, table.at)


def test_an_unknown_column_is_named(tmp_path):
    """A misspelt feature must not become an empty table."""
    make_table().save(tmp_path / "t")
    with pytest.raises(ResearchError, match="no feature or exit rule named z_tdo"):
        EventTable.load(tmp_path / "t", ["z_tdo"])


def test_what_is_no_event_table_is_refused(tmp_path):
    """A missing file, text, and somebody else's Parquet each give one clear line."""
    (tmp_path / "text").write_text("no")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other")
    for name, words in {"none": "not readable", "text": "not readable", "other": "not an event table"}.items():
        with pytest.raises(ResearchError, match=words):
            EventTable.load(tmp_path / name)


def test_a_selection_keeps_the_parts_together():
    """By mask or by position."""
    table = make_table()
    mask = np.array([False, True, True])
    assert_same(table.select(mask), table.select([1, 2]))
    assert table.select(mask).events["item_id"].tolist() == ["s1:101", "s2:102"]


def test_an_empty_selection_is_refused():
    """A study of nothing is a mistake of the question."""
    with pytest.raises(ResearchError, match="none of 3 events is left"):
        make_table().select(np.zeros(3, dtype=bool))


def test_a_mask_of_the_wrong_length_is_refused():
    """It belongs to another table."""
    with pytest.raises(ResearchError, match=r"shape \(2,\)"):
        make_table().select(np.array([True, False]))


def test_tables_are_put_together_with_padding():
    """The narrower table gets decision times that are none, and gates through which nothing triggers."""
    wide, narrow = make_table(k=3), make_table(n=2, k=2, seed=2, marks=("BARS 60 s", "NO QUOTES"))
    both = concat([wide, narrow])
    assert both.at.shape == both.gate.shape == (5, 3)
    assert np.isnat(both.at[3:, 2]).all()
    assert np.isnan(both.features["z_tod"][3:, 2]).all()
    assert (both.gate[3:, 2] != 0).all()
    assert both.marks == ("BARS 60 s", "NO QUOTES")
    assert both.events.index.tolist() == list(range(5))
    assert both.events.dtypes.astype(str).to_dict() == make_table().events.dtypes.astype(str).to_dict()


def test_nothing_or_unlike_tables_are_not_put_together():
    """Features of one table only would be nan without a reason in the other."""
    table = make_table()
    with pytest.raises(ResearchError, match="selection is empty"):
        concat([])
    with pytest.raises(ResearchError, match="different features"):
        concat([table, dataclasses.replace(table, features={"z_tod": table.features["z_tod"]})])


def test_the_long_form_has_one_row_a_decision():
    """Decision times that are none are left out; gates are in words."""
    table = make_table()
    frame = table.to_frame()
    assert len(frame) == 5
    row = frame.iloc[3]
    assert (row["event"], row["k"]) == (1, 1)
    assert row["gate"] == GATES[table.gate[1, 1]]
    assert row["z_tod"] == table.features["z_tod"][1, 1]
    assert row["at"] == pd.Timestamp(table.at[1, 1], tz="UTC")
    assert row["symbol"] == "ACME"
    assert {"net_bps.default", "gross_bps.default"} <= set(frame.columns)


def test_days_are_dates():
    """The unit by which everything is clustered."""
    assert make_table().days.dtype == np.dtype("datetime64[D]")
    assert str(make_table().days[0]) == "2026-11-19"


def test_parts_that_do_not_fit_are_refused():
    """A shape error would otherwise become a silent broadcast."""
    table = make_table()
    with pytest.raises(ResearchError, match=r"gate has the shape \(2, 2\)"):
        dataclasses.replace(table, gate=table.gate[:2])
    with pytest.raises(ResearchError, match="z_tod"):
        dataclasses.replace(table, features=dict(table.features) | {"z_tod": table.features["z_tod"][:, :1]})
    with pytest.raises(ResearchError, match="same exit rules"):
        dataclasses.replace(table, gross_bps={})
    with pytest.raises(ResearchError, match="without the columns text"):
        dataclasses.replace(table, events=table.events.drop(columns="text"))


def test_events_have_fixed_types():
    """Whatever they were made from; a missing column is named."""
    assert make_table().events.dtypes.astype(str).to_dict() == EVENT_DTYPES
    with pytest.raises(ResearchError, match="without the columns story_id"):
        event_frame({"item_id": []})
