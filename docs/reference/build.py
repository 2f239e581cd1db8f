"""The API reference: what a user of the package calls, from its docstrings to HTML; `make docs` calls it."""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pdoc import render
from pdoc.doc import Class, Doc, Function, Module, Variable

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "momentum_kit",
    "momentum_kit.config", "momentum_kit.errors", "momentum_kit.models", "momentum_kit.ports", "momentum_kit.sessions",
    "momentum_kit.detection",
    "momentum_kit.detection.live.features", "momentum_kit.detection.live.rules", "momentum_kit.detection.live.baseline",
    "momentum_kit.detection.live.tape",
    "momentum_kit.research", "momentum_kit.research.study", "momentum_kit.research.events",
    "momentum_kit.research.event_study", "momentum_kit.research.sweep", "momentum_kit.research.validation",
    "momentum_kit.bridge", "momentum_kit.simgateway",
)  # fmt: skip
"""One page each, in this order: faces and public modules; a module that is not here is nobody's to call."""

SHOWN_LAST = ("Config",)
"""What stands behind the rest of its page."""

FIRST_STEPS = "Five minutes"
"""The section of README.md that the landing page repeats."""


def build(folder: Path) -> None:
    """Write the pages, a search index, and an index.html that leads to the landing page."""
    modules = load()
    render.configure(docformat="google", show_source=False, template_directory=Path(__file__).parent)
    for name, module in modules.items():
        page = folder / f"{name.replace('.', '/')}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(render.html_module(module, modules), encoding="utf-8")
    (folder / "index.html").write_text(render.html_index(modules), encoding="utf-8")
    (folder / "search.js").write_text(render.search_index(modules), encoding="utf-8")


def load() -> dict[str, Module]:
    """The modules as pdoc sees them, less what is nobody's and with what a reader would miss."""
    modules = {name: Module.from_name(name) for name in MODULES}
    for name, module in modules.items():
        for lazy in getattr(module.obj, "__all__", ()):
            setattr(module.obj, lazy, getattr(module.obj, lazy))  # pdoc reads the module's dictionary
        module.submodules = [each for other, each in modules.items() if other.rpartition(".")[0] == name]
        offered = [each for each in module.members.values() if is_offered(each)]
        module.members = {each.name: each for each in sorted(offered, key=lambda each: each.name in SHOWN_LAST)}
        for member in module.members.values():
            if isinstance(member, Class):
                member.own_members = own_members(member, modules)
                for inner in member.own_members:
                    polish(inner)
            polish(member)
    landing = modules[MODULES[0]]
    landing.docstring = f"{landing.docstring}\n\n{first_steps()}"
    return modules


def is_offered(doc: Doc[Any]) -> bool:
    """A constant that says nothing of itself is nobody's to use."""
    return not doc.name.startswith("_") and bool(doc.docstring or not isinstance(doc, Variable))


def own_members(shown: Class, modules: Mapping[str, Module]) -> list[Doc[Any]]:
    """What a class inherits from classes of ours that have no page of their own, then what is its own."""
    own = shown.own_members
    hidden = [
        each for each in shown.members.values()
        if each not in own and each.taken_from[0].startswith("momentum_kit.") and each.taken_from[0] not in modules
    ]  # fmt: skip
    opened = "open" in shown.members  # by that method, never by its constructor
    return [
        each for each in [*hidden, *own] if not each.name.startswith("_") or (each.name == "__init__" and not opened)
    ]


def polish(doc: Doc[Any]) -> None:
    """Show `name: meaning` lines as a list, and no default where a setting is required."""
    names: Iterable[str] = ()
    if isinstance(doc, Class):
        constructor = doc.members.get("__init__")
        names = [*doc.members, *(constructor.signature.parameters if isinstance(constructor, Function) else ())]
    elif isinstance(doc, Function):
        names = doc.signature.parameters
    elif isinstance(doc, Variable) and doc.default_value_str == "PydanticUndefined":
        doc.default_value_str = ""
    if names:
        doc.docstring = re.sub(
            rf"^((?:{'|'.join(names)})\b[^:\n]*): ", r"- **\1**: ", doc.docstring, flags=re.MULTILINE
        )


def first_steps() -> str:
    """The README's own words."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {FIRST_STEPS}\n.*?(?=^## )", text, re.DOTALL | re.MULTILINE)
    assert found, f"README.md has no section {FIRST_STEPS}"
    return found.group().strip()


if __name__ == "__main__":
    build(Path(sys.argv[1]))
