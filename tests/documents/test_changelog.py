"""The change log has the form that tools and people expect, and every place that names the version names the same."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

import momentum_kit
from momentum_kit.cli import main

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
RELEASE = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d{2}-\d{2})")
LINE_LENGTH = 120


def releases(text: str) -> list[tuple[tuple[int, ...], date]]:
    """Version and day of every dated heading, as they stand."""
    headings = [RELEASE.fullmatch(heading) for heading in re.findall(r"^## (.*)$", text, re.MULTILINE)]
    return [(tuple(map(int, each.groups()[:3])), date.fromisoformat(each[4])) for each in headings if each]


def problems(text: str) -> list[str]:
    """What is wrong with the form of a change log."""
    found = []
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    if headings[:1] != ["[Unreleased]"] or len(releases(text)) != len(headings) - 1:
        found.append(f"headings: {headings}")
    if releases(text) != sorted(releases(text), reverse=True):
        found.append("not newest first")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.*)$", section, re.MULTILINE)
        if [kind for kind in KINDS if kind in kinds] != kinds:
            found.append(f"kinds: {kinds}")
        lines = section.partition("### ")[2].splitlines()[1:]
        items = [line for line in lines if line and not line.startswith("### ") and not line.endswith(":")]
        found += [line for line in items if not (line.startswith("- ") and line.endswith("."))]
        found += [f"too long: {line}" for line in items if len(line) > LINE_LENGTH]
    return found


def test_the_form_holds() -> None:
    """Dated versions, newest first, known kinds in their order, one line an item."""
    assert problems(CHANGELOG) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("## [Unreleased]\n", ""),
        ("[0.2.0] - 2026-03-01", "[0.2.0]"),
        ("[0.1.0] - 2026-01-01", "[0.3.0] - 2026-04-01"),
        ("### Fixed", "### Mended"),
        ("### Added", "### Security"),
        ("- One thing.", "- One\n  thing."),
        ("- One thing.", f"- One {'long ' * 30}thing."),
        ("- One thing.", "- One thing"),
    ],
    ids=["none unreleased", "no date", "oldest first", "unknown kind", "order", "two lines", "long", "no stop"],
)
def test_each_breach_of_the_form_is_seen(before: str, after: str) -> None:
    """A change log that is sound has no problem, and one that is broken in one place has one."""
    sound = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-03-01

### Added

Some place:

- One thing.

### Fixed

- Another thing.

## [0.1.0] - 2026-01-01

The first build.
"""
    assert problems(sound) == []
    assert problems(sound.replace(before, after))


def test_every_place_names_the_same_version(capsys: pytest.CaptureFixture[str]) -> None:
    """pyproject.toml, the newest dated release, `momentum_kit.__version__` and `momentum-kit --version` agree.

    The last two are the installed metadata's: `make setup` renews it after the version was changed.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert ".".join(map(str, releases(CHANGELOG)[0][0])) == version
    assert momentum_kit.__version__ == version
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["momentum-kit", version]
