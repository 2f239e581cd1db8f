"""How an error of the kit looks below a notebook's cell; the shell is IPython's own, in a process of its own."""

import subprocess
import sys

import pytest

SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
for cell in sys.argv[1:]:
    shell.run_cell(cell)
    print("<end of cell>")
"""
DEFINED = """
from momentum_kit.errors import GuardRefused
def refuse():
    raise GuardRefused("the account is killed; momentum-kit clear releases it")
async def later():
    refuse()
"""


def shown(*cells: str) -> list[str]:
    """What each cell printed."""
    done = subprocess.run([sys.executable, "-c", SHELL, *cells], capture_output=True, text=True, check=True)
    return [each.strip() for each in done.stdout.split("<end of cell>")[: len(cells)]]


@pytest.mark.parametrize("call", ["refuse()", "await later()"])
def test_an_error_in_a_cell_is_one_line_and_its_traceback_is_there_when_asked_for(call: str) -> None:
    """Also below an `await`; the line is the error's own, which names the remedy."""
    _, told, asked = shown(DEFINED, call, "%tb")
    assert told == "GuardRefused: the account is killed; momentum-kit clear releases it"
    assert "in refuse" in asked


def test_a_bug_keeps_its_traceback() -> None:
    """Tracebacks are for bugs."""
    (told,) = shown("1 / 0")
    assert "Traceback" in told
