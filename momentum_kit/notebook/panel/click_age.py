"""How old the click is that the panel handles: while a cell computes, today's kernels keep clicks until it ends."""

from contextlib import suppress
from datetime import UTC, datetime


def clicked_ago_s() -> float:
    """Wall seconds since the browser sent the click that is being handled; 0 where nobody knows."""
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return 0.0
    sent = kernel.get_parent().get("header", {}).get("date")
    if isinstance(sent, str):
        with suppress(ValueError):
            sent = datetime.fromisoformat(sent)
    if not isinstance(sent, datetime) or sent.tzinfo is None:
        return 0.0
    return max(0.0, (datetime.now(UTC) - sent).total_seconds())
