"""What a session has told so far, kept short for the eye: rows of the event stream and of the journal, by their keys.

Every row is taken by its own key, so that one told twice, by the journal and by the stream, counts once.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from momentum_kit.json_text import parse_json
from momentum_kit.notebook.live_view.rates import JudgedDecisions
from momentum_kit.pages import in_new_york
from momentum_kit.storage.journal import read

KEPT = 400  # rows of a table
KEPT_POINTS = 20_000  # of the equity curve
PRIMED = {"decisions": 8_000, "equity": KEPT_POINTS}  # newest rows read of a session that runs already
TABLES = (
    "headlines", "items", "decisions", "risk", "orders", "order_updates", "round_trips", "equity", "commands",
)  # fmt: skip
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWord:
    """The last word on an item; a later kind of word never gives way to an earlier one."""

    rank: int
    kind: str
    words: str
    reason: str


class SessionRecord:
    """Fills from one thread; `version` rises with every row that changes what is seen."""

    def __init__(self) -> None:
        self.version = 0
        self.headlines: dict[tuple[str, str], Row] = {}
        self.items: dict[str, list[str]] = {}  # story to its items
        self.verdicts: dict[str, LastWord] = {}
        self.signals: dict[str, Row] = {}
        self.risk: dict[str, Row] = {}
        self.orders: dict[int, dict[str, Any]] = {}
        self.updates: dict[int, Row] = {}
        self.equity: dict[str, float] = {}
        self.commands: deque[Row] = deque(maxlen=20)
        self.log: deque[Row] = deque(maxlen=KEPT)
        self.judged = JudgedDecisions()

    def take(self, kind: str, row: Row) -> None:
        """One row, of any table; others than those shown here are passed over."""
        taker = getattr(self, f"_take_{kind}", None)
        if taker:
            taker(row)
            self.version += 1

    def read_journal(self, journal: Path, most: int | None = None) -> None:
        """What was written before anybody listened, the newest rows of each table; StorageError without a journal."""
        for name in TABLES:
            newest = most or PRIMED.get(name, KEPT)
            columns, rows = read(journal, f"SELECT * FROM {name} ORDER BY id DESC LIMIT {newest}")
            for row in reversed(rows):
                self.take(name, _plain(zip(columns, row, strict=True)))

    @property
    def curve(self) -> list[tuple[datetime, float]]:
        """Net USD over market time."""
        return [(datetime.fromisoformat(at), net) for at, net in sorted(self.equity.items())]

    def _take_headlines(self, row: Row) -> None:
        _keep(self.headlines, (str(row["story_id"]), str(row["article_id"])), row)

    def _take_items(self, row: Row) -> None:
        items = self.items.setdefault(str(row["story_id"]), [])
        if row["item_id"] not in items:
            items.append(str(row["item_id"]))

    def _take_decisions(self, row: Row) -> None:
        item = str(row["item_id"])
        reason = in_new_york(": ".join(filter(None, (row["reason"], row["detail"]))), row["at"])
        self.judged.add(row)
        if row["verdict"] == "signal":
            _keep(self.signals, item, row)
            self._say(item, LastWord(rank=2, kind="info", words="signal", reason=""))
        elif row["final"]:
            self._say(item, LastWord(rank=1, kind="off", words="no signal", reason=reason))
        else:
            self._say(item, LastWord(rank=0, kind="info", words="watching", reason=reason))

    def _take_risk(self, row: Row) -> None:
        _keep(self.risk, str(row["item_id"]), row)
        if row["verdict"] == "refused":
            self._say(
                str(row["item_id"]), LastWord(rank=3, kind="warn", words="refused", reason=f"risk: {row['reason']}")
            )

    def _take_orders(self, row: Row) -> None:
        known = self.orders.get(row["order_id"], {})
        if known and known["at"] > row["at"]:
            return
        _keep(self.orders, row["order_id"], {**row, "placed_at": known.get("placed_at", row["at"])})
        if row["leg"] == "entry" and row["change"] == "place":
            self._say(str(row["item_id"]), LastWord(rank=4, kind="good", words="ordered", reason=""))

    def _take_order_updates(self, row: Row) -> None:
        known = self.updates.get(row["order_id"])
        if known and known["at"] > row["at"]:
            return
        _keep(self.updates, row["order_id"], row)
        order = self.orders.get(row["order_id"], {})
        if order.get("leg") == "entry" and float(row["filled"] or 0) > 0:
            self._say(
                str(order["item_id"]), LastWord(rank=5, kind="good", words="bought", reason=f"{row['filled']} shares")
            )

    def _take_round_trips(self, row: Row) -> None:
        words = f"{row['reason']}, {float(row['net_usd'] or 0):+,.2f} USD"
        self._say(str(row["item_id"]), LastWord(rank=6, kind="good", words="closed", reason=words))

    def _take_equity(self, row: Row) -> None:
        net = sum(float(row[name] or 0) for name in ("realised_usd", "unrealised_usd")) - float(row["costs_usd"] or 0)
        _keep(self.equity, str(row["at"]), net, KEPT_POINTS)

    def _take_commands(self, row: Row) -> None:
        if row not in self.commands:
            self.commands.append(row)

    def _take_log(self, row: Row) -> None:
        self.log.append(row)

    def _say(self, item: str, verdict: LastWord) -> None:
        known = self.verdicts.pop(item, None)
        _keep(self.verdicts, item, verdict if known is None or verdict.rank >= known.rank else known, 4 * KEPT)


def last_verdict(journal: Path) -> list[Row]:
    """The newest decision that was a last word on an item, if there is one; StorageError without a journal."""
    columns, rows = read(
        journal, "SELECT * FROM decisions WHERE final = 1 AND rules IS NOT NULL ORDER BY id DESC LIMIT 1"
    )
    return [_plain(zip(columns, row, strict=True)) for row in rows]


def _keep(kept: dict[Any, Any], key: object, value: object, most: int = KEPT) -> None:
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]


def _plain(row: Iterable[tuple[str, Any]]) -> Row:
    """A stored row as the stream tells it: without the journal's own columns, structures as such."""
    plain = {name: value for name, value in row if name not in ("id", "wall_ns")}
    for name in ("features", "rules", "symbols", "limits"):
        if isinstance(plain.get(name), str):
            plain[name] = parse_json(plain[name])
    return plain
