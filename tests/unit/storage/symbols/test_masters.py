import os
from pathlib import Path

from momentum_kit.storage.symbols import open_master


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    """A session that reconnects waits for no list that it has, and has the new one where there is one."""
    file = tmp_path / "own.csv"
    file.write_text("symbol,name\nNWTX,Northwind Therapeutics Inc\n")
    first = open_master(tmp_path, "own.csv")
    assert open_master(tmp_path, "own.csv") is first
    file.write_text("symbol,name\nBRLA,Borealis Airframes Corp\n")
    os.utime(file, ns=(1, 1))  # whatever the file system's grain
    assert "BRLA" in open_master(tmp_path, "own.csv")
