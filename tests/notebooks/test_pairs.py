"""Each notebook and the .py beside it say the same."""

import json
from pathlib import Path

import pytest

from tests.notebooks.pairs import NOTEBOOKS, paired

ALL = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("notebook", ALL, ids=lambda path: path.stem)
def test_a_notebook_and_its_pair_say_the_same(notebook: Path) -> None:
    """Who changes one without the other is told: `make pairs`."""
    assert notebook.with_suffix(".py").read_text(encoding="utf-8") == paired(notebook), "make pairs"


def test_no_pair_is_left_of_a_notebook_that_is_gone() -> None:
    """A .py here belongs to a notebook."""
    assert {file.stem for file in NOTEBOOKS.glob("*.py")} == {file.stem for file in ALL}


def test_a_change_of_a_cell_is_a_change_of_the_pair(tmp_path: Path) -> None:
    """Sources, kinds and tags count; outputs, counts and ids do not."""
    (notebook,) = (path for path in ALL if path.stem == "production")
    content = json.loads(notebook.read_text(encoding="utf-8"))
    file, before = tmp_path / "production.ipynb", paired(notebook)

    def after() -> str:
        file.write_text(json.dumps(content), encoding="utf-8")
        return paired(file)

    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    code[1]["outputs"], code[1]["execution_count"], code[1]["id"] = [{"text": "x"}], 7, "other"
    assert after() == before
    code[0]["metadata"] = {}
    assert after() == before.replace('# %% tags=["parameters"]', "# %%")
    code[0]["metadata"] = {"tags": ["parameters"]}
    code[0]["source"][0] = "config = 1\n"
    assert after() != before
