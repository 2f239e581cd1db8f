"""One hash over everything a session decided: equal for equal decisions, whatever the speed or load of the machine."""

import hashlib
from pathlib import Path

from momentum_kit.storage.journal.questions import query

# Market times only: nothing here may depend on the wall. Risk verdicts fall at their signal's decision time.
DECIDED = """
    SELECT 'decision', story_id, symbol, decided_at, verdict, reason FROM decisions
    UNION ALL SELECT 'headline', story_id, '', received_at, outcome, reason FROM headlines WHERE outcome = 'skip'
    UNION ALL SELECT 'risk', story_id, symbol, at, verdict, reason FROM risk
"""


def decisions_digest(path: str | Path) -> str:
    """SHA-256 (hex) over the sorted rows of what was decided: story, symbol, market time, verdict, reason.

    Headlines that were skipped and risk verdicts count as decisions. Raises StorageError.
    """
    rows = sorted("\x1f".join("" if value is None else str(value) for value in row) for row in query(path, DECIDED))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
