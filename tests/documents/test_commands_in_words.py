"""Every command of a session that a document, a notebook, a schedule or the kit itself prints carries its --config."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SESSION = "status|pause|resume|reduce-only|close|flatten|kill|clear|stop|arm"
CALL = re.compile(rf"momentum-kit (?:{SESSION})\b[^`\n]*")
SCHEDULES = [path for path in sorted((ROOT / "deploy").rglob("*")) if path.is_file()]
PAPERS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *SCHEDULES]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOURCES = sorted((ROOT / "momentum_kit").rglob("*.py"))


def bare(text: str) -> list[str]:
    """Calls that leave it to chance which session they reach."""
    joined = text.replace("\\\n", " ")
    return [call for call in CALL.findall(joined) if "--config" not in call]


def said(source: Path) -> Iterator[str]:
    """What a module may print: its texts but for docstrings; what an f-string puts in stands as braces."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    explained = {id(node.body[0].value) for node in ast.walk(tree)
                 if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)}  # fmt: skip
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part)}}}"
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained | inside:
            yield node.value


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_what_a_paper_tells_names_its_session(paper: Path) -> None:
    """A reader who copies the line reaches the session that it speaks of."""
    assert bare(paper.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_what_a_notebook_tells_names_its_session(notebook: Path) -> None:
    """Text and code alike."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert bare("\n".join("".join(cell["source"]) for cell in cells)) == []


def test_what_the_kit_prints_names_its_session() -> None:
    """Panel, report and every error."""
    found = [(source.name, call) for source in SOURCES for text in said(source) for call in bare(text)]
    assert [(name, call) for name, call in found if "arguments" not in call and "{0}" not in call] == []
