"""What the engines of a world have written down over all their lives, beside the gateway's own truth."""

from collections import Counter
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from momentum_kit.models import Intent
from momentum_kit.services.execution import is_ours
from momentum_kit.storage.journal import SqliteIntents
from momentum_kit.storage.journal.sqlite import query, read_table
from tests.chaos.orders.lives import row_words
from tests.chaos.orders.truth import Watch

STORY = ("orders", "order_updates", "executions", "notices", "incidents", "risk", "exits")
SHARES = ("quantity", "filled", "remaining", "shares")


class Written:
    """The intents file and the journals of every run. runs: the folder of their folders."""

    def __init__(self, intents: Path, runs: Path, watch: Watch) -> None:
        self._intents = intents
        self._runs = runs
        self._watch = watch

    def items(self) -> dict[str, str]:
        """News items by the reference of the entry that they led to."""
        return dict(query(self._intents, "SELECT intent_id, item_id FROM intents WHERE kind = 'entry'"))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Of every life's journal."""
        return [row for file in self._journals() for row in read_table(file, table)]

    def unresolved(self) -> tuple[Intent, ...]:
        """Intents whose end nobody wrote down."""
        with closing(SqliteIntents(self._intents)) as intents:
            return intents.unresolved()

    @property
    def journaled(self) -> set[str]:
        """Executions that some journal has."""
        return {_base(row["exec_id"]) for row in self.rows("executions")}

    @property
    def all_there(self) -> bool:
        """Nothing is on its way to the disk, as far as the end of a world that ends well tells."""
        holdings = self._watch.holdings()
        closed = all(holdings[intent.contract.con_id].ours for intent in self.unresolved())
        return closed and self._truth().keys() <= (self.journaled & self._noted())

    def compare(self) -> None:
        """Row by row against the gateway's own truth, and the book in which executions are noted."""
        truth = self._truth()
        for base in truth.keys() - self._noted():
            self._watch.found("not written down", truth[base][2], base)
        for file in self._journals():
            rows = [row for row in read_table(file, "executions") if is_ours(row["order_ref"])]
            for exec_id, times in Counter(row["exec_id"] for row in rows).items():
                if times > 1:
                    self._watch.found("journaled twice", 0, f"{exec_id} {times} times in run {file.parent.name}")
            for row in rows:
                if row["con_id"] in self._watch.busted:
                    continue  # it may have been undone since, and our own book says so by an entry that nobody else has
                said = ("BOT" if row["side"] == "BUY" else "SLD", Decimal(row["shares"]), row["con_id"])
                if truth.get(_base(row["exec_id"])) != said:
                    self._watch.found("journal differs", row["con_id"], f"{said}: {truth.get(_base(row['exec_id']))}")

    def story(self) -> list[str]:
        """What happened, with what the engines journaled of it."""
        lines = [(float(second), text) for second, text in self._watch.story]
        for table in STORY:
            for row in self.rows(table):
                values = {k: Decimal(v) if k in SHARES and v is not None else v for k, v in row.items()}
                if words := row_words(SimpleNamespace(table=table, **values)):
                    lines.append(((datetime.fromisoformat(row["at"]) - self._watch.began).total_seconds(), words))
        return [f"{second:4.0f} {text}" for second, text in sorted(lines, key=lambda line: line[0])]

    def _journals(self) -> list[Path]:
        """Those of all lives; one that ended before it had begun has none."""
        return sorted(self._runs.glob("*/journal.db"))

    def _noted(self) -> set[str]:
        """Executions in the book beside the intents."""
        return {_base(row["exec_id"]) for row in read_table(self._intents, "executions")}

    def _truth(self) -> dict[str, tuple[str, Decimal, int]]:
        """Every execution of ours: side, shares and contract."""
        return {
            _base(report.exec_id): (report.side, report.shares, report.order.con_id)
            for report in self._watch.gateway.hub.broker._state.executions
            if is_ours(report.order.order_ref)
        }


def _base(exec_id: str) -> str:
    """What an execution and its corrections share."""
    return exec_id.rpartition(".")[0]
