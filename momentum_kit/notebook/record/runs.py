"""Many sessions side by side: what each came to, and the trades and incidents of them all."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.errors import InputError, StorageError
from momentum_kit.json_text import parse_json
from momentum_kit.notebook.record.run import Run
from momentum_kit.plain_text import plain_text
from momentum_kit.storage.journal import query

if TYPE_CHECKING:
    import pandas as pd

    from momentum_kit.notebook.tables import SessionTable

FIRST_DECISIONS = """SELECT features FROM decisions WHERE id IN
    (SELECT min(id) FROM decisions WHERE features IS NOT NULL GROUP BY item_id) ORDER BY id"""
DELAYS = "SELECT 86400 * (julianday(received_at) - julianday(published_at)) FROM headlines WHERE outcome = 'item'"
NUMBERS = ("headlines", "signals", "entries", "fills", "round_trips", "wins", "net_pnl_usd", "costs_usd")


class Runs(Sequence[Run]):
    """The sessions below a folder, the oldest first: `Runs("runs").trades()`; nothing in them is changed.

    A session whose record cannot be read stands in `sessions()` with the reason, and hides no other.
    Raises InputError where the folder does not exist.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{folder}: no such folder; a session leaves its record below runs/ of its project")
        self._runs = [Run(journal.parent) for journal in sorted(self.folder.glob("*/journal.db")) if journal.is_file()]

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, at: Any) -> Any:
        return self._runs[at]

    def sessions(self) -> "SessionTable":
        """One row a session: when, on which account, how it ended, what it heard, did and earned."""
        import pandas as pd

        from momentum_kit.notebook.tables import SessionTable

        rows = [_session(run) for run in self._runs]
        columns = ["run", "started_at", "account", "ended", *NUMBERS, "incidents", "problem"]
        frame = pd.DataFrame(rows, columns=columns)
        frame["started_at"] = pd.to_datetime(frame["started_at"], utc=True, format="ISO8601", errors="coerce")
        frame = frame.rename(columns={"net_pnl_usd": "net_usd"})
        return SessionTable.of("sessions", frame if frame["problem"].any() else frame.drop(columns="problem"))

    def trades(self) -> "SessionTable":
        """Every round trip of every session, with the name of its run."""
        return self._together("round_trips", Run.round_trips)

    def incidents(self) -> "SessionTable":
        """Everything out of the ordinary, of every session."""
        return self._together("incidents", Run.incidents)

    def drift(self, reference: "Runs") -> "SessionTable":
        """Whether these sessions still are what others were (replays of the days before, or the first weeks live).

        One row a number: signals, entries and round trips a session, fills an entry, slippage in bps, costs a fill and
        net profit a round trip in USD. Stable sessions raise an alarm anywhere in 5% of cases at most, however often
        one looks; `smallest_10`, `_20` and `_60` are the least lasting changes that so many sessions show in four
        cases of five, so quiet says no more than its words. A number that the reference has in fewer than 20 sessions
        is not judged.
        """
        import pandas as pd

        from momentum_kit.notebook.tables import SessionTable
        from momentum_kit.research.drift import watch_drift

        watched = watch_drift(_numbers(reference), _numbers(self))
        rows = [
            {
                "number": each.name,
                "verdict": each.words,
                "reference": each.reference_mean,
                "here": each.mean,
                "sessions": each.sessions,
                "reference_sessions": each.reference_sessions,
                **{f"smallest_{horizon}": size for horizon, size in each.smallest.items()},
            }
            for each in watched
        ]
        return SessionTable.of("drift", pd.DataFrame(rows))

    def feature_drift(self, reference: "Runs") -> "SessionTable":
        """Whether what these sessions judged looks as it did in others: each feature, and how late headlines came.

        One row a feature of the first decision on each news item. psi: population stability index by tenth of the
        reference; chance_95: what it stays below in 95 of 100 ways to deal the same sessions anew. All features
        together are said to have moved in 5% of stable worlds, at one look; for daily looks `drift` is. `smallest` is
        the least shift that would be found in four cases of five, so quiet says no more than its words.
        """
        import pandas as pd

        from momentum_kit.notebook.tables import SessionTable
        from momentum_kit.research.drift import watch_distributions

        watched = watch_distributions(_features(reference), _features(self))
        rows = [
            {
                "feature": each.name,
                "verdict": each.words,
                "psi": each.psi,
                "chance_95": each.chance_95,
                "smallest": each.smallest,
                "reference_median": each.reference_median,
                "median": each.median,
                "values": each.values,
                "reference_values": each.reference_values,
            }
            for each in watched
        ]
        return SessionTable.of("feature_drift", pd.DataFrame(rows), "Features of what was judged")

    def _together(self, name: str, table: "Callable[[Run], pd.DataFrame]") -> "SessionTable":
        import pandas as pd

        from momentum_kit.notebook.tables import SessionTable

        frames = []
        for run in self._runs:
            try:
                frame = pd.DataFrame(table(run))
            except StorageError:
                continue  # told by sessions()
            if len(frame):
                frames.append(frame.assign(run=run.name))
        whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["run"])
        return SessionTable.of(name, whole)

    def _repr_html_(self) -> str | None:
        return self.sessions()._repr_html_()

    def __repr__(self) -> str:
        return f"<Runs {self.folder}: {len(self)} sessions>"


def _numbers(runs: Runs) -> dict[str, list[float]]:
    """What is watched of every session that can be read, in order of their folders; nan where it had no occasion."""
    found: dict[str, list[float]] = {}
    for run in runs:
        try:
            summary = run.summary()
            slippage = float(run.fills()["slippage_bps"].mean()) if summary["fills"] else math.nan
        except StorageError:
            continue  # told by sessions()
        filled, trips = summary["fills"], summary["round_trips"]
        numbers = {
            "signals": summary["signals"],
            "entries": summary["entries"],
            "round trips": trips,
            "fills an entry": filled / summary["entries"] if summary["entries"] else math.nan,
            "slippage, bps": slippage,
            "costs a fill, USD": summary["costs_usd"] / filled if filled else math.nan,
            "net a round trip, USD": summary["net_pnl_usd"] / trips if trips else math.nan,
        }
        for name, value in numbers.items():
            found.setdefault(name, []).append(float(value))
    return found


def _features(runs: Runs) -> list[dict[str, Any]]:
    """Of every session that judged anything: features of the first decision on each item, and seconds of delay."""
    import numpy as np

    found = []
    for run in runs:
        try:
            read = [parse_json(text) for (text,) in query(run.journal, FIRST_DECISIONS) if text]
            delays = [delay_s for (delay_s,) in query(run.journal, DELAYS)]
        except (StorageError, ValueError):
            continue  # told by sessions()
        judged = [each for each in read if isinstance(each, dict)]
        names = {name for each in judged for name in each}
        values = {str(name): [_number(each.get(name)) for each in judged] for name in names}
        values["delay_s"] = [_number(delay_s) for delay_s in delays]
        known = {name: [value for value in each if math.isfinite(value)] for name, each in values.items()}
        found.append({name: np.array(known[name]) for name in sorted(known) if known[name]})
    return [each for each in found if each]


def _number(value: object) -> float:
    """Nan for what is no number, or none that a float holds."""
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return math.nan


def _session(run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {"run": run.name, "problem": ""}
    try:
        summary, status = run.summary(), run.status()
        first = query(run.journal, "SELECT min(at) FROM (SELECT at FROM equity UNION ALL SELECT at FROM incidents)")
    except (StorageError, InputError) as error:
        return row | {"problem": plain_text(error)}
    row |= {name: summary[name] for name in NUMBERS}
    row |= {"started_at": first[0][0], "incidents": sum(summary["incidents"].values())}
    if status:
        return row | {"account": status.account, "ended": f"{status.state}: {status.reason}"}
    return row | {"account": "", "ended": "runs, or ended without a last word"}
