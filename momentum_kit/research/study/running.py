"""Runs the parts of a long step here or on a cluster, and counts them on a terminal; nothing is shown in a pipe."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from momentum_kit.research.events import Run
from momentum_kit.research.study.cluster import Cluster


@contextmanager
def running(what: str, scheduler: str | None) -> Iterator[Run]:
    """How a step applies a function to its parts: the builtin map, or a scheduler's; a line tells how many are done."""
    with ExitStack() as stack:
        run: Run = stack.enter_context(Cluster(scheduler)).run if scheduler else map
        yield stack.enter_context(_counted(what, run))


@contextmanager
def _counted(what: str, run: Run) -> Iterator[Run]:
    from rich.console import Console  # a notebook needs none of it

    console = Console(stderr=True)
    if not console.is_terminal:
        yield run
        return
    with console.status(f"{what} ...") as line:

        def counted(task: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
            for number, result in enumerate(run(task, things), start=1):
                line.update(f"{what}: [bold]{number:,}[/] parts done")
                yield result

        yield counted
