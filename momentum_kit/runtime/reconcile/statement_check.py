"""Holds a day's sessions against IB's statement of it: which sessions count, and what differs, in words and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

from momentum_kit.config import find_project
from momentum_kit.errors import ConfigError, InputError, StorageError
from momentum_kit.plain_text import plain_text
from momentum_kit.runtime.fill_costs import read_fill_costs
from momentum_kit.runtime.reconcile.session_books import SessionBook, book_fills, name_accounts, read_session
from momentum_kit.services.execution import is_ours
from momentum_kit.sessions import NEW_YORK
from momentum_kit.storage.flex import FlexFile, read_day, read_flex
from momentum_kit.trading import CommissionPlan, FillCosts
from momentum_kit.trading.statement import Comparison, DayBook, StatementDifference, compare_day


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCheck:
    """What came of it. sessions: whose record was held against the statement."""

    day: date
    account: str
    sessions: tuple[str, ...]
    comparison: Comparison

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.comparison.differences

    def words(self) -> str:
        """For a person: both sides in numbers, then every difference in a line, then what was not compared."""
        here, there = self.comparison.here, self.comparison.there
        told = self.comparison.differences
        following = sum(each.follows for each in told)
        ending = f"{len(told)} differences" if len(told) != 1 else "1 difference"
        ending += f", {following} of them following from others" if following else ""
        lines = [
            f"{self.account}, {self.day:%A, %-d %B %Y}, of {', '.join(self.sessions)}",
            f"{'':14}{'here':>14}{'statement':>14}",
            f"{'fills':14}{here.fills:>14,}{there.fills:>14,}",
            f"{'commissions':14}{_amount(here.commissions):>14}{_amount(there.commissions):>14}",
            f"{'realised':14}{_amount(here.realised, '+'):>14}{_amount(there.realised, '+'):>14}",
            *(str(each) for each in told),
            *(f"note: {note}" for note in self.comparison.notes),
            ending if told else "nothing differs",
        ]
        return "\n".join(plain_text(line) if line.strip() else line for line in lines)

    def as_json(self) -> dict[str, Any]:
        """For a program; amounts are strings, exact."""
        return {
            "day": self.day.isoformat(),
            "account": self.account,
            "sessions": list(self.sessions),
            "holds": self.holds,
            "differences": [
                {
                    "kind": each.kind,
                    "symbol": each.symbol,
                    "con_id": each.con_id,
                    "exec_id": each.exec_id,
                    "words": each.words,
                    "follows": each.follows,
                }
                for each in self.comparison.differences
            ],
            "notes": list(self.comparison.notes),
            **{
                side: {
                    "fills": totals.fills,
                    "commissions": None if totals.commissions is None else str(totals.commissions),
                    "realised_usd": None if totals.realised is None else str(totals.realised),
                }
                for side, totals in (("here", self.comparison.here), ("statement", self.comparison.there))
            },
        }


def check_statement(
    day: date,
    flex: Path,
    runs: Path,
    *,
    run: Path | None = None,
    account: str = "",
    zone: tzinfo = NEW_YORK,
    plan: CommissionPlan = "fixed",
) -> StatementCheck:
    """Every session of a day, or one, against a Flex file.

    runs: where sessions leave their folders; those of earlier days say what was held in the morning. run: this session
    alone stands for the day. account: where sessions of several, or the file, leave it open. zone: of the statement's
    times where they name none. plan: by which commissions are estimated that no report told.

    Raises InputError where there is no such session or statement, or the file cannot be read as one.
    """
    file = read_flex(flex)
    if run and not (run / "journal.db").is_file():
        raise InputError(f"{run}: no journal.db there, so no session; momentum-kit runs lists those there are")
    folder = run.parent if run else runs
    sessions, unreadable = _read_all(folder, file)
    of_day = [each for each in sessions if each.ran_on(day) and (run is None or each.name == run.name)]
    if not of_day:
        known = sorted({each.last_day for each in sessions if each.last_day})
        last = f"; the last below {folder} ran on {known[-1]}" if known else ""
        raise InputError(f"no session {f'in {run}' if run else f'below {folder}'} ran on {day}{last}")
    chosen = account or _account_of(of_day, file, day)
    statement = read_day(file, chosen, day, zone=zone, is_ours=is_ours)
    counted = [each for each in of_day if each.account == chosen]
    if not counted:
        raise InputError(f"no session of {day} was of {chosen}: {_listed(of_day)}")
    before = [each for each in sessions if each.account == chosen and each.last_day and each.last_day < day]
    notes: list[str] = []
    fills = book_fills([*before, *counted], day, _costs(plan, notes))
    book = DayBook(day=day, fills=fills, sessions=tuple(each.name for each in counted))
    compared = compare_day(book, statement)
    notes += [f"{each.name} is of {each.account} and left out" for each in of_day if each.account not in (chosen, "")]
    unknown = [_of_nobody(each) for each in of_day if not each.account and each.executions]
    differences = (*unreadable, *unknown, *compared.differences)
    compared = replace(compared, differences=differences, notes=(*compared.notes, *notes))
    return StatementCheck(day=day, account=chosen, sessions=book.sessions, comparison=compared)


def _read_all(folder: Path, file: FlexFile) -> tuple[list[SessionBook], tuple[StatementDifference, ...]]:
    """Every engine's session below a folder, oldest first; one that cannot be read may hide fills: a difference."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; a session leaves its record below runs/ of its project")
    sessions, unreadable = [], []
    for journal in sorted(folder.glob("*/journal.db")):
        try:
            sessions.append(read_session(journal.parent))
        except StorageError as error:
            unreadable.append(StatementDifference(kind="unreadable here", symbol="", con_id=0, words=str(error)))
    engines = [each for each in sessions if each.owner or each.account]  # a replay of the day is nobody's
    return name_accounts(engines, file.accounts), tuple(unreadable)


def _of_nobody(session: SessionBook) -> StatementDifference:
    words = (
        f"{session.name} ended without a last word; whose its {len(session.executions):,} executions are, nothing says"
    )
    return StatementDifference(kind="unknown account", symbol="", con_id=0, words=words)


def _account_of(sessions: Sequence[SessionBook], file: FlexFile, day: date) -> str:
    """The one account that both sides have."""
    shared = sorted({each.account for each in sessions} & set(file.accounts))
    if len(shared) == 1:
        return shared[0]
    if shared:
        raise InputError(f"sessions of {day} were of {' and '.join(shared)}; say which by --account")
    raise InputError(
        f"{file.file} is of {', '.join(file.accounts[:6])}, and no session of {day} was: {_listed(sessions)}"
    )


def _costs(plan: CommissionPlan, notes: list[str]) -> FillCosts:
    """The project's table, else the kit's own; what is wrong with it becomes a note."""
    try:
        project = find_project()
    except ConfigError:  # outside a project
        project = Path.cwd()
    return read_fill_costs(project, plan, lambda _, words: notes.append(words))


def _listed(sessions: Sequence[SessionBook]) -> str:
    named = [f"{each.name} of {each.account or 'an unknown account'}" for each in sessions[:4]]
    return ", ".join(named) + (f" and {len(sessions) - 4} more" if len(sessions) > 4 else "")


def _amount(amount: Decimal | None, sign: str = "") -> str:
    return "unknown" if amount is None else f"{amount:{sign},.2f}"
