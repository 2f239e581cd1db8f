"""Names that come from data: accounts, symbols, providers, articles. None of them leaves its folder."""

from pathlib import Path

import pytest

from momentum_kit.errors import GuardRefused
from momentum_kit.runtime.ownership import StateFolder
from tests.hostile.outsider import momentum_kit, refused

NAMES = ["DU/../../../home/x", "DU1/..", "../DU1", "/etc/x", "DU1\x00", "DU1\n", ".", "..", "", "D" * 300, "\x1b[2JDU"]


@pytest.mark.parametrize("name", NAMES)
def test_no_folder_is_made_of_an_account_that_the_gateway_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What serves as a gateway says which accounts there are, and folders are made of them, mode and all."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    with pytest.raises(GuardRefused, match="account"):
        StateFolder(name).create()
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("setting", ["account: DU/../../../../x", 'host: "../../x"'])
def test_no_folder_is_made_of_a_configurations_words(setting: str, project: Path, tmp_path: Path) -> None:
    """An account or host with a path in it is refused by every command that would look there."""
    (project / "config" / "odd.yaml").write_text(f"environment: paper\nbroker:\n  port: 4002\n  {setting}\n")
    for command in ("status", "kill", "pause"):
        refused(momentum_kit(project, command, "--config", "config/odd.yaml"), "account")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("symbol", ["../../x", "/etc/x", "A/../../x", "..", "A\x1b[2J"])
def test_a_symbol_of_a_vendors_is_no_path(symbol: str, project: Path) -> None:
    """Folders of the archive are named by symbols."""
    file = project / "gift.csv"
    file.write_text(f"s,time,open,high,low,close,volume\n{symbol},2026-11-20T14:30:00Z,10,11,9,10.5,500\n")
    before = sorted(project.rglob("*"))
    done = momentum_kit(
        project, "data", "import", "csv", str(file), "--archive", str(project / "archive"),
        "--map", "columns.start=time", "--map", "adjusted=false", "--map", "columns.symbol=s",
    )  # fmt: skip
    refused(done, "gift.csv", "row 2")
    assert "\x1b" not in done.stderr
    assert [each for each in sorted(project.rglob("*")) if each not in before and each.name != "archive"] == []


@pytest.mark.parametrize(
    "words",
    [("status", "--config", "no{}file.yaml"), ("replay", "2026-05-12", "--archive", "no{}"),
     ("replay", "2026-05-12", "--set", "x{}=1"), ("status", "--no{}"), ("sta{}",)],
    ids=" ".join,
)  # fmt: skip
def test_what_was_typed_or_named_commands_no_terminal(words: tuple[str, ...], project: Path) -> None:
    """A name that somebody pasted comes back in the refusal: as text."""
    done = momentum_kit(project, *(word.format("\x1b[2J\u202e\x9b") for word in words))
    refused(done)
    assert not {"\x1b", "\u202e", "\x9b"} & set(done.stderr)
