"""papermill as `momentum-kit run` uses it: bounded output, atomic files; imports slowly, so import it late."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.iorw import papermill_io

from momentum_kit.errors import NotebookError
from momentum_kit.runtime.production.bounds import AtomicFiles

ENGINE = "momentum-kit"
CELL_TEXT = 100_000  # characters that one cell may print
CELL_RICH = 2_000_000  # characters of pictures and tables of one cell
NOTEBOOK = 4_000_000  # characters of all outputs together: the file stays below 5 MB


class BoundedClient(PapermillNotebookClient):  # type: ignore[misc]
    """Keeps what a cell puts out up to a bound; what follows is counted, said in one line, and not kept."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._spent: Counter[tuple[int, bool]] = Counter()  # by cell, and text or rich
        self._left_out: dict[int, tuple[nbformat.NotebookNode, int]] = {}  # by cell: its line, and how much

    def execute(self, **given: Any) -> Any:
        """Execute all cells, and close the sockets to the kernel, which nbclient leaves open under a given manager."""
        try:
            return super().execute(**given)
        finally:
            if self.kc is not None:
                self.kc.stop_channels()

    def output(self, outs: list[Any], msg: Any, display_id: str | None, cell_index: int) -> Any:
        """Append what one message brings, if there is room for it; an error always has some."""
        content = msg["content"]
        if msg["msg_type"] == "error":
            content["traceback"] = [line[-CELL_TEXT // 50 :] for line in content["traceback"][-50:]]
            return super().output(outs, msg, display_id, cell_index)
        is_text = msg["msg_type"] == "stream"
        size = len(content["text"]) if is_text else sum(len(str(part)) for part in content.get("data", {}).values())
        bound = CELL_TEXT if is_text else CELL_RICH
        room = min(bound - self._spent[cell_index, is_text], NOTEBOOK - self._spent.total())
        if size > room and (not is_text or room <= 0):
            return self._leave_out(outs, size, cell_index)
        if is_text:
            content["text"] = content["text"][:room]
        self._spent[cell_index, is_text] += min(size, room)
        kept = self._joined(outs, msg) or super().output(outs, msg, display_id, cell_index)
        if size > room:
            self._leave_out(outs, size - room, cell_index)
        return kept

    def clear_output(self, outs: list[Any], msg: Any, cell_index: int) -> None:
        """What is cleared has room again."""
        del self._spent[cell_index, True], self._spent[cell_index, False]
        self._left_out.pop(cell_index, None)
        super().clear_output(outs, msg, cell_index)

    def _joined(self, outs: list[Any], msg: Any) -> Any:
        """The output that a piece of text was added to: a cell that prints often shall not have an output each time."""
        plain = not self.output_hook_stack[msg["parent_header"].get("msg_id")] and not self.clear_before_next_output
        if not (outs and plain and msg["msg_type"] == outs[-1]["output_type"] == "stream"):
            return None
        if outs[-1]["name"] != msg["content"]["name"]:
            return None
        outs[-1]["text"] += msg["content"]["text"]
        return outs[-1]

    def _leave_out(self, outs: list[Any], size: int, cell_index: int) -> None:
        line, before = self._left_out.get(cell_index, (None, 0))
        if line is None:
            line = nbformat.v4.new_output("display_data")
            outs.append(line)
        words = f"{before + size:,} characters of this cell's output were left out: the notebook stays readable"
        line["data"] = {"text/plain": words}
        self._left_out[cell_index] = (line, before + size)


class BoundedEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's own engine, with the client above."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> Any:
        """Execute; given: what papermill and we pass on to nbclient."""
        wanted = ("km", "on_cell_execute", "on_cell_complete", "on_cell_executed")
        named = {name: given[name] for name in wanted}
        return BoundedClient(nb_man, kernel_name=kernel_name, startup_timeout=given["start_timeout"], **named).execute()


def declared_parameters(notebook: Path) -> Mapping[str, Any]:
    """What the cell tagged 'parameters' declares; NotebookError if the file is no notebook."""
    try:
        declared: Mapping[str, Any] = papermill.inspect_notebook(str(notebook))
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        raise NotebookError(f"{notebook} is no Jupyter notebook: {str(error).partition(chr(10))[0][:200]}") from None
    return declared


def execute(
    notebook: Path,
    executed: Path,
    parameters: Mapping[str, Any],
    manager: AsyncKernelManager,
    hooks: Mapping[str, Callable[..., None]],
    files: AtomicFiles,
) -> None:
    """Execute all cells on the manager's kernel, saving around each; raises papermill's and nbclient's errors."""
    papermill_engines.register(ENGINE, BoundedEngine)
    papermill_io.register(str(executed), files)  # by the start of a path; the last one registered counts
    papermill.execute_notebook(
        _literal(notebook), _literal(executed), parameters=dict(parameters), progress_bar=False,
        engine_name=ENGINE, kernel_name=manager.kernel_name, km=manager, **hooks,
    )  # fmt: skip


def _literal(path: Path) -> str:
    """Papermill fills parameters into a path's braces; ours have none to fill."""
    return str(path).replace("{", "{{").replace("}", "}}")
