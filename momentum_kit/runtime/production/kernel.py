"""One kernel of a headless run: started, watched, driven through the notebook, and gone afterwards."""

import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from momentum_kit.errors import NotebookError
from momentum_kit.runtime.production.bounds import AtomicFiles, Bounds, KernelWatch
from momentum_kit.runtime.production.deaths import KernelDied
from momentum_kit.runtime.production.interrupts import TOLD_TO_STOP, Interrupts

KERNEL = "python3"

# jsonschema, with which nbformat checks notebooks, builds a grammar of international addresses wherever this package is
# found: a second of processor before each run begins, for a format that no notebook has.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def check_kernel() -> None:
    """NotebookError unless there is a kernel to be started; to be asked before anything trades."""
    try:
        program = KernelSpecManager().get_kernel_spec(KERNEL).argv[0]
    except NoSuchKernel:
        raise NotebookError(f"no Jupyter kernel {KERNEL}; install one: python -m pip install ipykernel") from None
    ours = {"python", f"python{sys.version_info.major}", f"python{sys.version_info.major}.{sys.version_info.minor}"}
    if program not in ours and shutil.which(program) is None:  # ours: jupyter_client takes this very interpreter
        raise NotebookError(
            f"the Jupyter kernel {KERNEL} cannot be started: no program {program}; "
            "install it again: python -m ipykernel install --sys-prefix"
        )


class KernelRun:
    """Executes notebooks against one session, each time on a kernel of its own."""

    def __init__(
        self, *, interrupts: Interrupts, bounds: Bounds, session_over: Callable[[], bool], files: AtomicFiles
    ) -> None:
        self._interrupts = interrupts
        self._bounds = bounds
        self._session_over = session_over
        self._files = files

    def execute(self, notebook: Path, executed: Path, parameters: Mapping[str, Any], *, again: bool = False) -> None:
        """Execute all cells, saved to `executed` as they go; KernelDied, or NotebookError for a cell that failed.

        again: the session had a kernel before; a signal that came meanwhile is no reason to leave its report unwritten.
        """
        from nbclient.exceptions import DeadKernelError
        from papermill.exceptions import PapermillExecutionError

        from momentum_kit.runtime.production import papermill as production_papermill

        sockets = TemporaryDirectory(prefix="momentum-kit-")  # by default the kernel's sockets lie where one stands
        # ipc: no port, nobody else can listen. Async: under a blocking manager nbclient never sees a kernel die.
        manager = AsyncKernelManager(kernel_name=KERNEL, transport="ipc", ip=f"{sockets.name}/kernel")
        watch = KernelWatch(lambda: _pid(manager), self._session_over, self._bounds)
        try:
            self._interrupts.attach(manager, again=again)
            with watch:
                production_papermill.execute(
                    notebook, executed, parameters, manager, self._interrupts.hooks, self._files
                )
        except PapermillExecutionError as error:
            where = f"cell {error.exec_count} of {executed}"
            raise NotebookError(f"{where} failed: {error.ename}: {error.evalue[:500]}") from None
        except DeadKernelError:
            raise KernelDied(_how(manager, watch, self._interrupts.cell), watch.overdue) from None
        except RuntimeError as error:  # nbclient's word for a kernel that dies, or says nothing, while it starts
            if self._interrupts.begun:
                raise
            raise KernelDied(f"the kernel did not start: {error}") from None
        except OSError as error:
            raise NotebookError(f"{executed}: {error.strerror or error}") from None
        except KeyboardInterrupt:
            raise NotebookError(TOLD_TO_STOP) from None
        finally:
            self._interrupts.attach(None)
            if manager.has_kernel:
                run_sync(manager.shutdown_kernel)(now=True)
            sockets.cleanup()


def _pid(manager: AsyncKernelManager) -> int | None:
    return getattr(manager.provisioner, "pid", None)


def _how(manager: AsyncKernelManager, watch: KernelWatch, cell: int) -> str:
    """The kernel's end in words."""
    process = getattr(manager.provisioner, "process", None)
    status = process.returncode if process else None
    named = f"the kernel (pid {process.pid})" if process else "the kernel"
    place = f" in cell {cell}" if cell else ""
    if watch.why:
        return f"{named} was ended{place}: {watch.why}"
    if status is not None and status < 0:
        number = signal.Signals(-status)
        hint = ", as the system does where memory is short" if number is signal.SIGKILL else ""
        return f"{named} was ended by {number.name}{place}{hint}"
    return f"{named} died{place}" + (f" with status {status}" if status else "")
