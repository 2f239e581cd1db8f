"""`momentum-kit data symbols`, as a shell runs it."""

import json
from pathlib import Path

import pytest

from momentum_kit.cli import main


def test_a_master_is_built_from_a_list_on_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It begins with the list that comes along, and says how to use the file."""
    (tmp_path / "own.csv").write_text("symbol,name,exchange\nNEWC,Newco Robotics Corp,Nasdaq\n")
    given = ["data", "symbols", str(tmp_path / "own.csv"), "--to", str(tmp_path / "names.csv"), "--day", "2026-11-02"]
    assert main([*given, "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["listed"], said["new"], said["gone"], said["day"]) == (7387, 1, 0, "2026-11-02")
    assert main(given) == 0
    assert f"news.symbol_master: {tmp_path / 'names.csv'}" in capsys.readouterr().out


def test_a_list_that_is_missing_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input ends with status 2 and writes nothing."""
    status = main(["data", "symbols", str(tmp_path / "none.json"), "--to", str(tmp_path / "names.csv")])
    assert status == 2
    assert "none.json: No such file or directory" in capsys.readouterr().err
    assert not (tmp_path / "names.csv").exists()
