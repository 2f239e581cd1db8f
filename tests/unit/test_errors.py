"""How an error of the kit looks below a notebook's cell; the shell is IPython's own."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from momentum_kit.errors import GuardRefused

CELL = """
from momentum_kit.errors import GuardRefused
def refuse():
    raise GuardRefused("the account is killed; momentum-kit clear releases it")
"""


@pytest.fixture
def shell() -> InteractiveShell:
    """A shell of its own."""
    yield InteractiveShell()
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("call", ["refuse()", "async def later():\n    refuse()\nawait later()"])
def test_an_error_in_a_cell_is_one_line_and_its_traceback_is_there_when_asked_for(
    shell: InteractiveShell, call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also below an `await`; the line is the error's own, which names the remedy."""
    shell.run_cell(CELL)
    assert isinstance(shell.run_cell(call).error_in_exec, GuardRefused)
    shown = capsys.readouterr().out
    assert shown.strip() == "GuardRefused: the account is killed; momentum-kit clear releases it"
    shell.run_cell("%tb")
    assert "in refuse" in capsys.readouterr().out


def test_a_bug_keeps_its_traceback(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """Tracebacks are for bugs."""
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out
