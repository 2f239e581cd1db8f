"""Which code computed a result: the release and a hash of the source that decides, a checkout's changes included.

What decides is what can change the outcome of a study on given rows, and what a session trades by the same functions:

- `detection` and `trading`, whole: reading, features, rules; fills, costs, sizing, the risk gate;
- `config/` (defaults and bounds of thresholds, detection, news, exits and risk), `sessions.py` and its
  `new_york_days.txt` (when a market is open) and the values that those functions pass on: `models/`, but for
  `models/session.py` and `models/intents.py`, which describe a running engine;
- of research `source.py`, `events`, `sweep`, `seals` and `validation`: what is read, computed, kept back and judged.

Not in it, so that a change there makes no strategy file stale: pictures and words (`research/plots`, `research/study`,
`notebook`, `cli`), the event study, which exports nothing, generated samples, the services and the runtime, which call
the functions above and are held to them by `make parity`, and `storage`: rows carry a provenance of their own.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import momentum_kit
from momentum_kit.errors import ResearchError

DECIDING = (
    "compilation.py", "config", "detection", "models/contracts.py", "models/decisions.py", "models/market.py",
    "models/news.py", "models/orders.py", "new_york_days.txt", "research/events", "research/seals",
    "research/source.py", "research/sweep", "research/validation", "sessions.py", "trading",
)  # fmt: skip
"""Modules, data and packages, from the kit's folder; of a package every module counts, and every list of words."""

_SUFFIXES = (".py", ".txt")


@cache
def code_version() -> str:
    """Such as `0.1.0+src.3f9c2a51d0be`: equal for equal source files, wherever they lie and whatever git says."""
    return f"{version('momentum-kit')}+src.{source_hash(Path(momentum_kit.__file__).parent)[:12]}"


def source_hash(root: Path) -> str:
    """SHA-256 over path, length and bytes of each deciding file; ResearchError where one of DECIDING is missing."""
    digest = hashlib.sha256()
    for place in DECIDING:
        inside = sorted(file for file in (root / place).rglob("*") if file.suffix in _SUFFIXES)
        files = inside if (root / place).is_dir() else [root / place]
        if not files or not files[0].is_file():
            raise ResearchError(f"{root / place}: not installed; without it no result can say which code computed it")
        for file in files:
            content = file.read_bytes()
            digest.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
