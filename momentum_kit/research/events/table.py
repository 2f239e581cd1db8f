"""EventTable: news items x decision times as arrays, what every study of the research package computes on.

    table.at[i, k]                 the k-th decision time of event i
    table.features["z_tod"][i, k]  what the detector would have known then
    table.gate[i, k]               0 where the rules decide, else the reason that no threshold can lift
    table.net_bps["exit"][i, k]    what buying then would have brought, after costs

features.py fills in the features of one symbol, outcomes.py the outcomes, events.py puts the symbols together.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.detection.batch import GATES
from momentum_kit.errors import ResearchError
from momentum_kit.json_text import parse_json
from momentum_kit.models import Features

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["EVENT_DTYPES", "FEATURES", "GATES", "EventTable", "concat", "event_frame"]

FEATURES = tuple(field.name for field in dataclasses.fields(Features) if field.name != "at")
"""Names of the features, in the order of models.Features."""


NO_BARS = GATES.index("no bars")

EVENT_DTYPES = {
    "item_id": "str", "story_id": "str", "symbol": "str", "con_id": "int64", "day": "datetime64[us]",
    "provider": "str", "catalyst": "str", "session": "str", "published_at": "datetime64[us, UTC]",
    "received_at": "datetime64[us, UTC]", "imputed": "bool", "content": "str", "text": "str",
}  # fmt: skip
"""Columns of `events` and their types. day: New York date at naive midnight; session: pre, regular, post, closed.
content: a hash of the instrument day's prices, empty where they are not known (content.py)."""

Matrix = npt.NDArray[np.float64]
_META = b"momentum_kit"
_FORMAT = 2  # since 2: content


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EventTable:
    """N events at up to K decision times each.

    events: N rows with the columns of EVENT_DTYPES. at: (N, K) datetime64[us] UTC, ascending in k; NaT where an event
    has no such decision time: its features are nan there and its gate is `no bars`, so that nothing ever triggers.
    features: name -> (N, K); nan cannot be known. gate: (N, K) index into GATES.
    net_bps, gross_bps: exit rule -> (N, K) return in bps of notional, after and before costs; nan is no fill.
    marks: what a reader of any result must be told ("IMPUTED", "BARS 60 s", "NO QUOTES", ...).

    Raises ResearchError where the parts do not fit each other.
    """

    events: pd.DataFrame
    at: npt.NDArray[np.datetime64]
    features: Mapping[str, Matrix]
    gate: npt.NDArray[np.int8]
    net_bps: Mapping[str, Matrix] = field(default_factory=dict)
    gross_bps: Mapping[str, Matrix] = field(default_factory=dict)
    marks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if missing := [name for name in EVENT_DTYPES if name not in self.events.columns]:
            raise ResearchError(f"event table: events without the columns {', '.join(missing)}")
        shape = (len(self.events), self.at.shape[1] if self.at.ndim == 2 else -1)
        parts: dict[str, npt.NDArray[Any]] = {"at": self.at, "gate": self.gate, **self.features}
        for outcomes in (self.net_bps, self.gross_bps):
            parts |= {f"outcome {name}": values for name, values in outcomes.items()}
        for name, values in parts.items():
            if values.shape != shape:
                raise ResearchError(f"event table: {name} has the shape {values.shape}, {shape[0]} events need {shape}")
        if set(self.net_bps) != set(self.gross_bps):
            raise ResearchError("event table: net_bps and gross_bps must hold the same exit rules")

    def __len__(self) -> int:
        return len(self.events)

    @property
    def days(self) -> npt.NDArray[np.datetime64]:
        """(N,) datetime64[D], the New York day of each event."""
        return self.events["day"].to_numpy().astype("datetime64[D]")

    @property
    def instrument_days(self) -> npt.NDArray[np.str_]:
        """(N,) which instrument's day each event is of, whatever the symbol was called or the archive lies."""
        named = self.events["symbol"].astype(str) + " " + self.events["day"].dt.strftime("%Y-%m-%d")
        content = self.events["content"].astype(str)
        return content.where(content != "", named).to_numpy(str)

    def select(self, mask: npt.ArrayLike) -> "EventTable":
        """The events where the mask (N,) is True, or those at the given positions; ResearchError if there are none."""
        rows = np.asarray(mask)
        if rows.dtype == bool and rows.shape != (len(self),):
            raise ResearchError(f"selection: the mask has the shape {rows.shape}, the table has {len(self)} events")
        chosen = np.flatnonzero(rows) if rows.dtype == bool else rows
        if not chosen.size:
            raise ResearchError(f"selection: none of {len(self)} events is left; widen the selection")
        return EventTable(
            events=self.events.iloc[chosen].reset_index(drop=True),
            at=self.at[chosen],
            features={name: values[chosen] for name, values in self.features.items()},
            gate=self.gate[chosen],
            net_bps={name: values[chosen] for name, values in self.net_bps.items()},
            gross_bps={name: values[chosen] for name, values in self.gross_bps.items()},
            marks=self.marks,
        )

    def to_frame(self) -> pd.DataFrame:
        """Long form, one row a decision: `event` and `k`, the event's columns, at, gate (text), features, outcomes."""
        event, k = np.nonzero(~np.isnat(self.at))
        frame = self.events.iloc[event].reset_index(drop=True)
        columns: dict[str, Any] = {"event": event, "k": k}
        columns["at"] = pd.to_datetime(self.at[event, k], utc=True)
        columns["gate"] = np.array(GATES)[self.gate[event, k]]
        columns |= {name: values[event, k] for name, values in self.features.items()}
        for prefix, outcomes in (("net_bps", self.net_bps), ("gross_bps", self.gross_bps)):
            columns |= {f"{prefix}.{name}": values[event, k] for name, values in outcomes.items()}
        return pd.concat([frame, pd.DataFrame(columns)], axis=1)

    def save(self, path: str | Path) -> None:
        """Write one Parquet file: a row an event, a list of K values a feature. The same table gives the same bytes."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(self.events[list(EVENT_DTYPES)], preserve_index=False)
        columns: dict[str, npt.NDArray[Any]] = {"at": self.at.astype("datetime64[us]"), "gate": self.gate}
        for kind in ("features", "net_bps", "gross_bps"):
            columns |= {f"{kind}.{name}": values for name, values in getattr(self, kind).items()}
        for name, values in columns.items():
            table = table.append_column(name, _lists(values))
        meta = {"format": _FORMAT, "k": self.at.shape[1], "marks": self.marks}
        table = table.replace_schema_metadata({_META: json.dumps(meta)})
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd")

    @classmethod
    def load(cls, path: str | Path, columns: Sequence[str] | None = None) -> "EventTable":
        """Read what `save` wrote; columns: names of the features and exit rules wanted, None for all.

        Raises ResearchError for a file that is not there, not ours, or without such a column.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            schema = pq.read_schema(path)
            meta = parse_json((schema.metadata or {}).get(_META, b"{}"))
            if meta.get("format") != _FORMAT:
                raise ResearchError(f"{path}: not an event table of this version; build it again")
            stored = [name for name in schema.names if "." in name]
            chosen = stored if columns is None else [name for name in stored if name.partition(".")[2] in set(columns)]
            if unknown := set(columns or ()) - {name.partition(".")[2] for name in chosen}:
                raise ResearchError(f"{path}: no feature or exit rule named {', '.join(sorted(unknown))}")
            table = pq.read_table(path, columns=[*EVENT_DTYPES, "at", "gate", *chosen])
        except (OSError, pa.ArrowInvalid) as error:
            raise ResearchError(f"{path}: not readable ({str(error).splitlines()[0]})") from None
        matrices = {name: _matrix(table.column(name), meta["k"]) for name in ("at", "gate", *chosen)}
        kinds = {
            kind: {name.partition(".")[2]: matrices[name] for name in chosen if name.startswith(f"{kind}.")}
            for kind in ("features", "net_bps", "gross_bps")
        }
        events = event_frame(table.select(list(EVENT_DTYPES)).to_pandas())
        return cls(events=events, at=matrices["at"], **kinds, gate=matrices["gate"], marks=tuple(meta["marks"]))


def event_frame(columns: "Mapping[str, Any] | pd.DataFrame") -> pd.DataFrame:
    """A frame with the columns of EVENT_DTYPES, each of its type; ResearchError for one that is missing."""
    if missing := [name for name in EVENT_DTYPES if name not in columns]:
        raise ResearchError(f"event table: events without the columns {', '.join(missing)}")
    return pd.DataFrame({name: columns[name] for name in EVENT_DTYPES}).astype(EVENT_DTYPES).reset_index(drop=True)


def concat(tables: Sequence[EventTable]) -> EventTable:
    """One table after the other, padded to the largest K; ResearchError for none, or for different columns."""
    if not tables:
        raise ResearchError("event table: nothing to put together; the selection is empty")
    first = tables[0]
    for table in tables:
        if set(table.features) != set(first.features) or set(table.net_bps) != set(first.net_bps):
            raise ResearchError("event table: tables with different features or exit rules cannot be put together")
    width = max(table.at.shape[1] for table in tables)

    def joined(kind: str) -> dict[str, Matrix]:
        names = getattr(first, kind)
        return {name: np.concatenate([_wide(getattr(t, kind)[name], width, np.nan) for t in tables]) for name in names}

    return EventTable(
        events=event_frame(pd.concat([table.events for table in tables], ignore_index=True)),
        at=np.concatenate([_wide(table.at, width, np.datetime64("NaT", "us")) for table in tables]),
        features=joined("features"),
        gate=np.concatenate([_wide(table.gate, width, NO_BARS) for table in tables]),
        net_bps=joined("net_bps"),
        gross_bps=joined("gross_bps"),
        marks=tuple(dict.fromkeys(mark for table in tables for mark in table.marks)),
    )


def _wide(values: npt.NDArray[Any], width: int, filler: Any) -> npt.NDArray[Any]:
    missing = width - values.shape[1]
    return np.pad(values, ((0, 0), (0, missing)), constant_values=filler) if missing else values


def _lists(values: npt.NDArray[Any]) -> "pa.Array":
    """(N, K) as a column of K values a row."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    if pa.types.is_timestamp(flat.type):
        flat = flat.cast(pa.timestamp("us", tz="UTC"))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def _matrix(column: "pa.ChunkedArray", width: int) -> npt.NDArray[Any]:
    parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(parts).reshape(-1, width) if parts else np.empty((0, width))
