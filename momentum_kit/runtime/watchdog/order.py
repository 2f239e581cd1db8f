"""WatchOrder: what an engine tells its watchdog, over a pipe: a token in a command line would be seen by everybody."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WatchOrder:
    """Whom to watch, and what to do where it hangs or dies.

    pid, born, token: who the engine is. page, hand_over: the descriptors of LifePage and HandOver. accounts: the names
    of its state folders below state_dir; stop_files: where a person's word may lie. command: the engine's command line
    without its last word, and engine: that word, its own order. held_after_s: without a beat for so long it hangs.
    then: the policy. alerts: the section of the configuration. arguments: what names the session on a command line.
    """

    pid: int
    born: str
    token: str
    page: int
    hand_over: tuple[int, ...]
    accounts: tuple[str, ...]
    state_dir: str
    stop_files: tuple[str, ...]
    command: tuple[str, ...]
    engine: dict[str, Any]
    run_dir: str
    held_after_s: float
    then: str
    alerts: dict[str, Any]
    arguments: str

    def as_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def of_line(cls, line: str) -> Self:
        """From such a line."""
        content = json.loads(line)
        for name in ("hand_over", "accounts", "stop_files", "command"):
            content[name] = tuple(content[name])
        return cls(**content)
