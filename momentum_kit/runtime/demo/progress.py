"""The progress line of a demo: market time and counts on a terminal, nothing in a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from momentum_kit.models import EngineStatus
from momentum_kit.sessions import NEW_YORK


@contextmanager
def demo_progress(console: Console) -> Iterator[Callable[[EngineStatus], None]]:
    """Yields what to call with each status."""
    if not console.is_terminal:
        yield lambda _status: None
        return
    with console.status("starting gateway, engine and kernel ...") as line:

        def show(status: EngineStatus) -> None:
            counts = status.counts
            line.update(
                f"{status.market_time.astimezone(NEW_YORK):%H:%M:%S} New York  "
                f"[bold]{counts.get('headlines', 0)}[/] headlines  [bold]{counts.get('signals', 0)}[/] signals  "
                f"[bold]{len(status.positions)}[/] open  "
                f"P&L {status.realised_usd + status.unrealised_usd - status.costs_usd:+,.2f} USD"
            )

        yield show
