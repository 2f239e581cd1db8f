"""How far a session's record can be believed: its data whole and fresh, its decisions equal to their replay's."""

import re
import subprocess
import sys
from collections.abc import Sequence

import pandas as pd

from momentum_kit.errors import MomentumKitError
from momentum_kit.notebook import tables
from momentum_kit.notebook.flight_log.facts import RunFacts
from momentum_kit.notebook.flight_log.incidents import Episode
from momentum_kit.pages import tag
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.recording import FILE, convert_recording

DATA_REASONS = ("stale quote", "no quote", "no bars", "data not live", "halted", "no baseline", "thin baseline")
SILENT_S = 60.0  # a watched symbol without a mark for longer was silent: halted, illiquid, or a gap in the feed
WATCHED_S = 300.0  # beyond it nobody watched, most likely: the next mark is another story's

Row = tuple[object, ...]
NOT_RECORDED = (
    "This day was not recorded, so there is nothing to replay. With storage.record: true in the configuration the next "
    "session keeps what it hears, and its flight log compares it with its replay."
)
HERE = (  # a replay decides by the session's settings, but has its own gateway
    "environment=sim", "broker.port=4102", "broker.account=", "broker.account_prefix=DU",
)  # fmt: skip
PATIENCE_S = 240.0  # wall seconds for the replay; a report does not wait for longer
LONGEST = 4000  # characters of differences; the command tells them all
_DIFFER = re.compile(r"\b(\d+) differ\b")


def quality_rows(facts: RunFacts, incidents: Sequence[Episode]) -> list[Row]:
    """What, count, in words; for the flight log's table."""
    rows = [
        _arrival(facts),
        *_undecidable(tables.decisions(facts.journal)),
        _silences(tables.marks(facts.journal)),
        _late(facts),
        *_links(incidents),
        *_notices(facts),
    ]
    return [(what, count, tag("div", words, "mk-wrap")) for what, count, words in rows]


def _arrival(facts: RunFacts) -> Row:
    lines = tables.headlines(facts.journal)
    lines = lines[lines["reason"] != "not live"]  # an old story, told once more
    late_s = (lines["received_at"] - lines["published_at"]).dt.total_seconds().dropna()
    if not len(late_s):
        return ("headlines", "0", "none arrived")
    words = f"from publication to arrival {late_s.median():.1f} s in the median, {late_s.max():.1f} s at most"
    return ("headlines", f"{len(lines):,}", words)


def _undecidable(decisions: pd.DataFrame) -> list[Row]:
    """Decision times at which data, not the market, said no."""
    rows: list[Row] = []
    for reason in DATA_REASONS:
        of_it = decisions[(decisions["reason"] == reason) & ~decisions["final"].fillna(False)]
        if len(of_it):
            named = _most(of_it["symbol"].value_counts())
            rows.append((f"decisions without an answer: {reason}", f"{len(of_it):,}", named))
    return rows or [("decisions without an answer", "0", f"every one of {len(decisions):,} had its data")]


def _silences(marks: pd.DataFrame) -> Row:
    """Of watched symbols; a bar without a trade leaves no mark, so that short ones are no gap."""
    apart_s = marks.sort_values("at").groupby("symbol")["at"].diff().dt.total_seconds()
    silent = marks.loc[apart_s[(apart_s > SILENT_S) & (apart_s <= WATCHED_S)].index, "symbol"].value_counts()
    if not len(silent):
        return (f"silences longer than {SILENT_S:.0f} s", "0", f"{marks['symbol'].nunique()} symbols were watched")
    longest = apart_s[apart_s <= WATCHED_S].max()
    return (
        f"silences longer than {SILENT_S:.0f} s",
        f"{silent.sum()}",
        f"{_most(silent)}; the longest {longest:.0f} s",
    )


def _late(facts: RunFacts) -> Row:
    if facts.status is None:
        return ("late decision times", "unknown", "the engine left no last word")
    late = facts.status.counts.get("late decision times", 0)
    return ("late decision times", f"{late:,}", "judged later than their bar closed" if late else "none")


def _links(incidents: Sequence[Episode]) -> list[Row]:
    rows: list[Row] = []
    for kind in ("connection", "broker link", "data farm", "session conflict"):
        of_it = [each for each in incidents if each.kind == kind]
        if of_it:
            lasted = ", ".join(each.lasted for each in of_it)
            rows.append((f"interruptions: {kind}", f"{len(of_it)}", f"lasted {lasted}"))
    return rows or [("interruptions", "0", "socket, broker and farms stayed up")]


def _notices(facts: RunFacts) -> list[Row]:
    """What the gateway said, by code."""
    notices = pd.DataFrame(facts.rows("notices"))
    if notices.empty:
        return []
    return [
        (f"notices of the gateway: {code}", f"{len(group)}", f"{group['meaning'].iloc[0] or group['text'].iloc[0]}")
        for code, group in notices.groupby("code")
    ]


def _most(counts: "pd.Series[int]", shown: int = 6) -> str:
    named = ", ".join(f"{symbol} {count}" for symbol, count in counts.head(shown).items())
    return f"{named}, ..." if len(counts) > shown else named


def parity_words(facts: RunFacts) -> tuple[str, bool]:
    """What the comparison says, and whether that is good news."""
    if not (facts.run_dir / FILE).is_file():
        return NOT_RECORDED, True
    archive = facts.run_dir / "parity"
    try:
        if not archive.is_dir():
            convert_recording(facts.run_dir, Archive(archive))
    except MomentumKitError as error:
        return f"The recording of the day could not be read: {error}", False
    asked = ["parity", str(facts.run_dir), "--archive", str(archive), "--config", str(facts.config_file)]
    asked += [word for setting in HERE for word in ("--set", setting)]
    return _answer(asked, f"momentum-kit parity {facts.run_dir} --archive {archive} --config {facts.config_file}")


def _answer(asked: list[str], by_hand: str) -> tuple[str, bool]:
    """In a process of its own: it can be given up, and costs this kernel no memory."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "momentum_kit.cli", *asked],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"The replay was not through after {PATIENCE_S:.0f} s and was given up; ask at leisure: {by_hand}", False
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        return f"The replay of the recorded day was not possible: {words[-1]}", False
    found = done.stdout.strip()
    counts = [int(count) for count in _DIFFER.findall(found)]
    more = f"\n... and more: {by_hand}" if len(found) > LONGEST else ""
    return found[:LONGEST] + more, bool(counts) and not any(counts)
