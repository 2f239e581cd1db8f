"""Keeps the tape of sealed days from who is not to see it: replays, simulated gateways, pictures of a headline."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

from momentum_kit.config import Config, state_root
from momentum_kit.errors import GuardRefused
from momentum_kit.research.seals.content import named_day
from momentum_kit.research.seals.seal_log import SealLog, record_opening
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive import BARS_5S, Archive

SEALS = "seals.db"


def record_folder(config: Config) -> Path:
    """Where it is remembered what was tried, sealed and looked at: the user's state folder, or the shared one."""
    return state_root(config.storage.state_dir) / "research"


def guard_sealed_day(
    archive: Archive, day: date, record: Path, *, symbols: Collection[str] = (), opening: str = ""
) -> None:
    """Refuse to show what the tape of a day did while it is sealed.

    A day that a session of ours traded has been seen and is not refused. symbols: those that are shown, none for all.
    opening: on whose behalf the seal is opened, on record and once for all. Raises GuardRefused without it, and where
    the day was opened before.
    """
    if any(exchange_day(fill.execution.time) == day for fill in archive.executions(day, day)):
        return
    shown = symbols or {*archive.symbols(day), *archive.symbols(day, BARS_5S)}
    contents = {named_day(archive, symbol, day) for symbol in shown}
    log = SealLog(record / SEALS)
    known = log.about(contents)
    sealed = [content for content, role in known.roles.items() if role == "sealed"]
    if not sealed:
        return
    if opening:
        record_opening(log, sealed, (day, day), opening)
        return
    raise GuardRefused(
        f"{day} of {archive.root} is sealed: no study has seen it, and a look would be selection; take an earlier day, "
        "or open the seal with momentum-kit research validate --open-seal for a final candidate"
    )
