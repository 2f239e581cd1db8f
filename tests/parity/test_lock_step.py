"""In lock-step, speed and load cannot change a decision; a threshold can."""

import multiprocessing
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
import yaml

from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.runtime.sim import gateway_process
from momentum_kit.storage.journal import decisions_digest, query

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project folder of the module's own with the shipped configuration; state below it as well."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "config", folder / "config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOMENTUM_KIT_STATE_DIR", str(folder / "state"))
        yield folder


@pytest.fixture(scope="module")
def usual(project: Path) -> str:
    """What is decided as things are."""
    return decide(project, "usual")


def decide(
    project: Path, name: str, beside: AbstractContextManager[None] | None = None, **sections: dict[str, object]
) -> str:
    """Digest of the decisions of the demo's first twelve minutes, with some settings changed, beside something else."""
    config = project / "config" / f"{name}.yaml"
    content = yaml.safe_load((project / "config" / "demo.yaml").read_text())
    for section, changes in sections.items():
        content[section] = {**content.get(section, {}), **changes}
    config.write_text(yaml.safe_dump(content))
    out = project / name
    out.mkdir()
    arguments = ["--port", "0", "--scenario", str(project / "config/scenarios/demo.yaml"), "--seed", "7"]
    lock_step = gateway_process([*arguments, "--lock-step", "1.0"], project / f"{name}.err")
    with lock_step as port, beside or nullcontext():
        kit = Kit.open_sync(config, port=port, run_dir=out, in_process=True)
        kit.start_sync(until="12m")
        final = kit.wait_sync()
    assert final.incidents == ()
    assert kit.summary()["items"] > 3
    return decisions_digest(kit.journal)


@contextmanager
def load() -> Iterator[None]:
    """Every core is busy with something else."""
    hogs = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(os.cpu_count() or 2)]
    for hog in hogs:
        hog.start()
    try:
        yield
    finally:
        for hog in hogs:
            hog.terminate()
            hog.join()


def _burn() -> None:
    while True:
        sum(range(1000))


def test_decisions_are_those_of_the_seed(project: Path, usual: str) -> None:
    """Another speed with another number of workers decides the same."""
    assert decide(project, "slow", clock={"rate": 240.0}, detection={"workers": 7}) == usual


def test_one_threshold_changes_the_decisions(project: Path, usual: str) -> None:
    """The digest sees what a threshold does."""
    assert decide(project, "strict", thresholds={"min_z_tod": 40.0}) != usual


@pytest.mark.timeout(300)  # beside a process on every core
def test_articles_are_read_within_their_step_whatever_the_load(project: Path, usual: str) -> None:
    """The gateway's articles say what their headlines say: with them, and with every core busy, the same is decided."""
    with_articles = decide(project, "articles", load(), news={"bodies": {"enabled": True}})
    outcomes = query(project / "articles" / "journal.db", "SELECT outcome, count(*) FROM articles GROUP BY outcome")
    assert [outcome for outcome, _ in outcomes] == ["read"]
    assert with_articles == usual
