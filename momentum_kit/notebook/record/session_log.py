"""What a session did, line by line in words and New York time: from the journal, also while it grows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from momentum_kit.json_text import parse_json
from momentum_kit.notebook.html import reason_detail, rule_value
from momentum_kit.pages import number
from momentum_kit.plain_text import plain_text
from momentum_kit.sessions import NEW_YORK, in_words
from momentum_kit.storage.journal import read, readable
from momentum_kit.trading.account import split_exec_id

Row = Mapping[str, Any]

TABLES = (
    "headlines", "decisions", "risk", "exits", "orders", "notices", "executions", "round_trips", "incidents",
    "commands",
)  # fmt: skip
"""In the order in which one moment's rows are told: what was heard before what was done."""

_SIDES = {"BUY": "bought", "SELL": "sold"}
_CHANGES = {"place": "sent", "modify": "changed", "cancel": "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One thing that happened. minor: one look of many at the same item, which a log of the day leaves out."""

    at: datetime
    symbols: frozenset[str]
    kind: str
    text: str
    minor: bool = False

    def __str__(self) -> str:
        return f"{in_words(self.at, '%H:%M:%S')}  {self.kind:<9} {self.text}"


class SessionLog:
    """Reads a journal on from where it was left. Raises StorageError where there is none or it cannot be read."""

    def __init__(self, journal: str | Path) -> None:
        self._journal = Path(journal)
        self._seen = dict.fromkeys(TABLES, 0)
        self._symbols: dict[int, str] = {}  # by order id: notices name no symbol
        self._matches: set[str] = set()  # of exec ids, without the number of their correction
        self._last_rules: dict[str, Row] = {}  # by symbol: the latest decision at which rules were asked

    def fresh(self) -> list[LogLine]:
        """What was written since the last call, in the order in which it happened."""
        with readable(self._journal):
            return self._fresh()

    def _fresh(self) -> list[LogLine]:
        found: list[tuple[str, int, int, str, Row]] = []
        for rank, table in enumerate(TABLES):
            columns, rows = read(
                self._journal, f'SELECT * FROM "{table}" WHERE id > ? ORDER BY id', (self._seen[table],)
            )
            named = [dict(zip(columns, row, strict=True)) for row in rows]
            found += [(str(row["at"]), rank, int(row["id"]), table, row) for row in named]
            if named:
                self._seen[table] = int(named[-1]["id"])
        found.sort(key=lambda each: each[:3])
        return [self._line(table, row) for *_, table, row in found]

    def why(self, symbol: str) -> str:
        """All of one symbol, repeated looks told once, and below it each rule of the last one beside its limit."""
        wanted = symbol.upper()
        lines = [line for line in self.fresh() if wanted in line.symbols]
        if not lines:
            return f"{wanted}: no headline named it, and no order was sent for it"
        told: list[str] = []
        for at, line in enumerate(lines):
            following = lines[at + 1] if at + 1 < len(lines) else None
            if line.minor and following and following.minor and _gist(following) == _gist(line):
                continue  # the last of a row of equal refusals tells the latest numbers
            told.append(str(line))
        day = lines[0].at.astimezone(NEW_YORK)
        with readable(self._journal):
            rules = _rules(self._last_rules.get(wanted))
        return "\n".join([f"{wanted}, {day:%A, %-d %B %Y}", *told, *rules])

    def _line(self, table: str, row: Row) -> LogLine:
        symbol = str(row.get("symbol") or "")
        minor = False
        symbols = {symbol} if symbol else set()
        match table:
            case "headlines":
                kind, text = "headline", _headline(row)
                symbols |= set(_structure(row.get("symbols"), list))
            case "decisions":
                minor = row["verdict"] != "signal" and not row["final"]
                kind, text = "decision", f"{symbol}: {_decision(row)}"
                if row.get("rules"):
                    self._last_rules[symbol] = row
            case "risk":
                kind, text = "risk", f"{symbol}: {_verdict(row)}"
            case "orders":
                self._symbols[row["order_id"]] = symbol
                kind, text = "order", f"{symbol}: {_order(row)}"
            case "notices":
                symbol = self._symbols.get(row["order_id"], "")
                symbols |= {symbol} if symbol else set()
                kind, text = "broker", f"{symbol or 'order ' + str(row['order_id'])}: {row['code']} {row['text']}"
            case "executions":
                kind, text = "fill", f"{symbol}: {self._execution(row)}"
            case "exits":
                kind, text = "exit", f"{symbol}: on its way out, {row['reason']}"
            case "round_trips":
                r = f" ({number(row['r'], 2, plus=True)} R)" if row.get("r") is not None else ""
                kind = "closed"
                text = f"{symbol}: {number(row['net_usd'], 2, plus=True)} USD net{r}, {row['reason']}"
            case "incidents":
                kind, text = "incident", f"{row['kind']}: {row['text']}"
            case _:
                kind, text = "command", f"{row['command']} by {row['source']}: {row['outcome']}"
        return LogLine(
            at=datetime.fromisoformat(row["at"]),
            symbols=frozenset(symbols),
            kind=kind,
            text=plain_text(text),
            minor=minor,
        )

    def _execution(self, row: Row) -> str:
        match = split_exec_id(row["exec_id"])[0]
        corrected = "corrected: " if match in self._matches else ""
        self._matches.add(match)
        side = _SIDES.get(row["side"], row["side"])
        return f"{corrected}{side} {number(row['shares'], 0)} at {number(row['price'])} USD"


def _headline(row: Row) -> str:
    named = ", ".join(map(str, _structure(row.get("symbols"), list)))
    became = named if row["outcome"] == "item" else f"not judged, {_because(row)}"
    return f"{row['provider']} \u201c{row['text']}\u201d: {became}"


def _decision(row: Row) -> str:
    price = number(row["price"]) if row["price"] is not None else ""
    if row["verdict"] == "signal":
        return f"SIGNAL at {price} USD"
    detail = reason_detail(row["reason"], row["detail"] or "", row["decided_at"])
    words = ": ".join(filter(None, (row["reason"], detail)))
    return f"{'given up' if row['final'] else 'no signal'}{f' at {price} USD' if price else ''}, {words}"


def _verdict(row: Row) -> str:
    if row["verdict"] == "accepted":
        return f"accepted, {number(row['quantity'], 0)} shares"
    failed = [each for each in _structure(row.get("limits"), list) if not each.get("passed")]
    numbers = [f"{each['rule']} {each['value']:g}, limit {each['limit']:g}" for each in failed]
    return f"refused, {row['reason']}" + (f" ({'; '.join(numbers)})" if numbers else "")


def _order(row: Row) -> str:
    prices = {"limit": row["limit_price"], "stop": row["stop_price"]}
    at = "".join(f", {name} {number(price)}" for name, price in prices.items() if price is not None)
    what = f"{row['action']} {number(row['quantity'], 0)} {row['order_type']}{at}"
    return f"{row['leg']} {_CHANGES.get(row['change'], row['change'])}: {what}"


def _because(row: Row) -> str:
    return ": ".join(filter(None, (row["reason"], row.get("detail"))))  # a journal of an older kit has no detail


def _rules(row: Row | None) -> list[str]:
    """Each rule of a decision, its value beside its limit."""
    if row is None:
        return []
    told = [f"rules at {in_words(datetime.fromisoformat(row['decided_at']), '%H:%M:%S')}:"]
    for each in _structure(row["rules"], list):
        verdict = "passed" if each["passed"] else "FAILED"
        value, limit = (rule_value(each["rule"], each[name]) for name in ("value", "threshold"))
        told.append(f"  {each['rule']:<16} {verdict:<7} {value:>14}, limit {limit}")
    return told


def _gist(line: LogLine) -> str:
    """A refusal without its numbers."""
    return line.text.partition(", ")[2].partition(":")[0]


def _structure(stored: Any, kind: type[list[Any]]) -> list[Any]:
    found = parse_json(stored) if isinstance(stored, str) and stored else stored
    return found if isinstance(found, kind) else []
