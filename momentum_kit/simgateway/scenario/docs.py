"""Writes the reference part of docs/scenarios.md from the models: `python -m momentum_kit.simgateway.scenario.docs`."""

import ast
import inspect
import sys
from itertools import pairwise
from typing import get_args

from pydantic_core import PydanticUndefined

from momentum_kit.simgateway.scenario.fault_base import ClientFault, Fault, MessageFault
from momentum_kit.simgateway.scenario.fault_specs import KINDS
from momentum_kit.simgateway.scenario.scenario import Scenario
from momentum_kit.simgateway.scenario.sections import ScenarioSection, SymbolSpec

_SHARED = {name: base for base in (MessageFault, ClientFault, Fault) for name in base.model_fields}


def reference() -> str:
    """Every key with its default and its meaning, section by section."""
    parts = ["## Reference\n"]
    parts += _section("Top level", Scenario)
    parts += _section("universe.symbols, each", SymbolSpec)
    parts.append("### faults, each\n\nWhen and whom:\n")
    parts += [_line(_SHARED[name], name) for name in ("at", "before", "after", "client", "messages", "count")]
    parts.append(
        "\n`client` belongs to faults of one connection, `messages` and `count` to those of single messages.\n"
    )
    shown: set[type[Fault]] = set()
    for fault in KINDS.values():
        if fault not in shown:
            shown.add(fault)
            parts += _fault(fault)
    return "\n".join(parts) + "\n"


def _section(title: str, model: type[ScenarioSection]) -> list[str]:
    inner = [(name, field.annotation) for name, field in model.model_fields.items()]
    sections = [(name, kind) for name, kind in inner if isinstance(kind, type) and issubclass(kind, ScenarioSection)]
    own = [_line(model, name) for name in model.model_fields if name not in dict(sections)]
    text = [f"### {title}\n\n{inspect.getdoc(model)}\n", *own, ""]
    for name, kind in sections:
        text += _section(name if title == "Top level" else f"{title}.{name}", kind)
    return text


def _fault(fault: type[Fault]) -> list[str]:
    kinds = ", ".join(f"`{kind}`" for kind in get_args(fault.model_fields["kind"].annotation))
    lines = [f"\n{kinds}: {inspect.getdoc(fault)}\n"]
    if len(get_args(fault.model_fields["kind"].annotation)) > 1:
        lines.append(f"- {_words(fault, 'kind')}")
    return lines + [_line(fault, name) for name in fault.model_fields if name not in _SHARED and name != "kind"]


def _line(model: type[ScenarioSection], name: str) -> str:
    default = model.model_fields[name].get_default(call_default_factory=True)
    shown = "" if default in (None, PydanticUndefined, (), "") else f" ({_shown(default)})"
    return f"- `{name}`{shown}: {_words(model, name)}"


def _shown(default: object) -> str:
    return ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _words(model: type[ScenarioSection], name: str) -> str:
    """The docstring below a field, its own or a base's. Pydantic's own reading would slow every start."""
    for owner in model.__mro__:
        if name in vars(owner).get("__annotations__", {}):
            (defined,) = ast.parse(inspect.getsource(owner)).body
            for field, below in pairwise(getattr(defined, "body", ())):
                if isinstance(field, ast.AnnAssign) and ast.unparse(field.target) == name:
                    return " ".join(str(ast.literal_eval(below.value)).split()) if isinstance(below, ast.Expr) else ""
    return ""


if __name__ == "__main__":
    sys.stdout.write(reference())
