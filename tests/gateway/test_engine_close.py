"""What an engine gives back when a part of its end fails."""

from pathlib import Path

import psutil
import pytest

from momentum_kit.config import load_config
from momentum_kit.runtime.engine import new_run_dir
from momentum_kit.runtime.engine.engine import Engine
from momentum_kit.runtime.ownership import StateFolder
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import market, project_folder


def databases(project: Path) -> set[str]:
    """The project's databases that this process holds open."""
    opened = (Path(file.path) for file in psutil.Process().open_files())
    return {file.name for file in opened if file.is_relative_to(project) and ".db" in file.name}


async def test_a_part_that_fails_keeps_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the socket's end raises, journal and intents are closed, and the failure is told."""
    project = project_folder(tmp_path, monkeypatch)
    async with market(project) as gateway:
        config = load_config(configure(project, gateway.port, lasting=True))
        folder = StateFolder(config.owner_key)
        with folder.own():
            engine = Engine(config=config, project=project, run_dir=new_run_dir(config, project), folder=folder)
            await engine.open()
            assert {"journal.db"} <= databases(project)
            whole_end = engine.session.disconnect

            async def fail() -> None:
                await whole_end()
                raise OSError("the socket would not close")

            monkeypatch.setattr(engine.session, "disconnect", fail)
            with pytest.raises(OSError, match="would not close"):
                await engine.close()
            assert databases(project) == set()
