"""The API reference is built without a warning and shows every public name, and every unit, to whoever calls it."""

import dataclasses
import inspect
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pdoc.doc_ast import walk_tree
from selectolax.lexbor import LexborHTMLParser

from momentum_kit import config, models
from momentum_kit.file_locks import lock

BUILD = Path(__file__).resolve().parents[2] / "docs" / "reference" / "build.py"
MODULES = runpy.run_path(str(BUILD))["MODULES"]
pytestmark = pytest.mark.timeout(400)  # whoever comes first builds, the others wait


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference, built once for all processes of a run as `make docs` builds it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with (shared / "reference.lock").open("w") as held:
        lock(held)
        if not (shared / "reference").is_dir():
            build(tmp_path_factory.mktemp("reference")).rename(shared / "reference")
    return shared / "reference" / "site"


def build(folder: Path) -> Path:
    """The same folder, where nothing but the reference may appear."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(BUILD), "site"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [each.name for each in folder.iterdir()] == ["site"]
    return folder


def page(site: Path, module: str) -> LexborHTMLParser:
    """The page of a module."""
    return LexborHTMLParser((site / f"{module.replace('.', '/')}.html").read_text(encoding="utf-8"))


def words(text: str) -> str:
    """What is left of a docstring whatever it is written in."""
    return " ".join(re.findall(r"\w+", text))


def shown(html: LexborHTMLParser, name: str) -> str:
    """The words that stand under a name; empty where it is not there or nothing is said of it."""
    place = html.css_first(f'[id="{name}"]')
    said = place.css_first(".docstring") if place else None
    return words(said.text()) if said else ""


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Classes, their methods and properties, and functions that a module offers."""
    listed = getattr(module, "__all__", None)
    for name in listed or [name for name in vars(module) if not name.startswith("_")]:
        offered = getattr(module, name)
        ours = listed or getattr(offered, "__module__", None) == module.__name__
        if not ours or not (inspect.isclass(offered) or inspect.isroutine(offered)):
            continue
        yield name, offered
        methods: dict[str, Any] = {}
        for base in reversed(offered.__mro__) if inspect.isclass(offered) else ():  # what overrides comes last
            if base.__module__.startswith("momentum_kit.") and base.__module__ not in set(MODULES) - {module.__name__}:
                methods |= {inner: each for inner, each in vars(base).items() if is_method(inner, each)}
        yield from ((f"{name}.{inner}", each) for inner, each in methods.items())


def is_method(name: str, found: object) -> bool:
    """A public method or property."""
    if name == "model_post_init":  # pydantic writes it for whoever has a private attribute
        return False
    return not name.startswith("_") and isinstance(found, property | classmethod | staticmethod | type(is_method))


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_shown_with_its_docstring(name: str, site: Path) -> None:
    """The first line of each docstring stands under its name, inherited or not."""
    module, html = import_module(name), page(site, name)
    assert words((module.__doc__ or "").splitlines()[0]) in words(html.css_first(".module-info").text())
    for qualified, offered in public(module):
        docstring = inspect.getdoc(offered)
        assert docstring, f"{name}.{qualified} has no docstring"
        first = words(docstring.splitlines()[0])
        assert shown(html, qualified).startswith(first), f"{name}.{qualified}"


def test_every_setting_threshold_and_feature_says_its_unit(site: Path) -> None:
    """What a field means stands under the field; a section says so in its own place."""
    html = page(site, "momentum_kit.config")
    for section in (each for _, each in public(config) if inspect.isclass(each) and issubclass(each, config.Settings)):
        explained = walk_tree(section).var_docstrings
        for name, field in section.model_fields.items():
            if inspect.isclass(field.annotation) and issubclass(field.annotation, config.Settings):
                continue
            assert explained.get(name), f"{section.__name__}.{name}"
            assert shown(html, f"{section.__name__}.{name}") == words(explained[name])
    html = page(site, "momentum_kit.models")
    for field in dataclasses.fields(models.Features):
        assert shown(html, f"Features.{field.name}"), field.name
    assert shown(html, "Features.price").startswith("USD")


def test_both_halves_of_the_kit_and_the_first_steps_stand_on_the_landing_page(site: Path) -> None:
    """Whoever opens the reference sees where to begin, and each waiting method with its twin."""
    html = page(site, "momentum_kit")
    waiting = [name for name, each in public(import_module("momentum_kit")) if waits(each)]
    assert "Kit.pause" in waiting
    for name in waiting:
        assert shown(html, name)
        assert shown(html, f"{name}_sync")
    assert "momentum-kit replay" in html.css_first(".module-info").text()
    assert "momentum_kit.html" in (site / "index.html").read_text(encoding="utf-8")


def waits(offered: Any) -> bool:
    """A coroutine, or a command that is sent by its call and awaited for its outcome."""
    if inspect.iscoroutinefunction(offered):
        return True
    return inspect.isfunction(offered) and "SentCommand" in str(inspect.signature(offered).return_annotation)


def test_only_the_chosen_modules_have_a_page(site: Path) -> None:
    """What is not there is nobody's to call."""
    pages = {str(file.relative_to(site).with_suffix("")).replace("/", ".") for file in site.rglob("*.html")}
    assert pages == {*MODULES, "index"}
