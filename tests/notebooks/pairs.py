"""`make pairs`: beside each notebook its cells as a .py in the percent format, so that a change reads as a change.

    python -m tests.notebooks.pairs     writes those that differ, and names them

It is what jupytext writes by notebooks/jupytext.toml; whoever has jupytext edits either of a pair. The notebook is what
runs and what is shipped, the .py is for the eye of whoever reads a change.
"""

import json
import sys
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def paired(notebook: Path) -> str:
    """The text of the .py that belongs to a notebook."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return "\n".join(map(_cell, content["cells"]))


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        lines = [f"# {line}".rstrip() for line in source.splitlines()]
        return "\n".join(["# %% [markdown]", *lines, ""])
    tags = cell["metadata"].get("tags")
    return "\n".join([f"# %% tags={json.dumps(tags)}" if tags else "# %%", source, ""])


def main() -> int:
    """Write what differs."""
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        file, text = notebook.with_suffix(".py"), paired(notebook)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(file.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
