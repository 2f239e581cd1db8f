"""Runs the parts of a long step: here, or on dask.distributed with other cores and machines and the same bytes.

    study = Study("/shared/archive", scheduler="tls://10.0.0.5:8786")

Every worker must have the kit installed and see the archive under the same path; that needs the extra `cluster`. What
leaves the machine goes by TLS, with the certificates that dask's `distributed.comm.tls` names: whoever reaches a plain
scheduler runs code on every machine that it knows. On a
terminal a line counts the parts that are done; nothing is shown in a pipe.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from momentum_kit.errors import ResearchError
from momentum_kit.research.events import Run

if TYPE_CHECKING:
    from distributed import Future

AHEAD = 4  # tasks per thread of a worker that are on their way: enough to keep all busy, few enough to hold in memory


class Cluster:
    """A connection to a scheduler; `run` works like the builtin map, elsewhere.

    Raises ResearchError where dask is not installed, nobody answers, no worker has joined, or what is sent would leave
    the machine without TLS.
    """

    def __init__(self, scheduler: str, timeout_s: float = 10.0) -> None:
        _refuse_plain(scheduler)
        try:
            from distributed import Client
        except ImportError:
            raise ResearchError("dask is not installed; pip install 'momentum-kit[cluster]'") from None
        try:
            self._client = Client(scheduler, timeout=timeout_s)
        except (OSError, TimeoutError, ValueError) as error:
            raise ResearchError(f"no dask scheduler at {scheduler}: {str(error).splitlines()[0]}") from None
        threads = sum(self._client.nthreads().values())
        if not threads:
            self._client.close()
            raise ResearchError(
                f"no worker has joined the scheduler at {scheduler}; start one: dask worker {scheduler}"
            )
        try:
            for worker in self._client.scheduler_info(n_workers=-1)["workers"]:
                _refuse_plain(worker)
        except ResearchError:
            self._client.close()
            raise
        self._ahead = AHEAD * threads

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect; the scheduler and its workers go on."""
        self._client.close()

    def run(self, task: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
        """The results in the order of the things; an error of a task is raised as it was raised there."""
        waiting: deque[Future[Any]] = deque()
        try:
            for thing in things:
                waiting.append(self._client.submit(task, thing, pure=False))
                if len(waiting) >= self._ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            self._client.cancel(list(waiting))


def _refuse_plain(address: str) -> None:
    """ResearchError for an address of dask's that leads off this machine, and not by TLS."""
    scheme, _, rest = address.rpartition("://")
    if scheme in ("tls", "inproc"):
        return
    host = urlsplit(f"//{rest}").hostname or ""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    if not here:
        raise ResearchError(
            f"{address} leaves this machine unprotected, and whoever reaches it runs code as you: "
            "use tls://, with certificates in dask's distributed.comm.tls"
        )


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
