import sys

import pytest

from momentum_kit.errors import ResearchError
from momentum_kit.research.events.events import build_files
from momentum_kit.research.study import Cluster


@pytest.fixture(scope="module")
def scheduler():
    """A worker in a process of its own that does two things at a time."""
    from distributed import LocalCluster  # whoever runs another test need not load it

    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=":0", memory_limit=0, silence_logs=50
    ) as local:
        yield local.scheduler_address


def test_another_process_writes_the_same_bytes(scheduler, source, sessions, tmp_path):
    """A study gives the same files, byte for byte, wherever its parts were computed."""
    days = sessions[30].day, sessions[-1].day
    here = build_files(source, *days, tmp_path / "here")
    with Cluster(scheduler) as cluster:
        there = build_files(source, *days, tmp_path / "there", run=cluster.run)
    assert [file.relative_to(tmp_path / "there") for file in there] == [f.relative_to(tmp_path / "here") for f in here]
    assert len(here) == 3
    for ours, theirs in zip(here, there, strict=True):
        assert ours.read_bytes() == theirs.read_bytes()


def test_results_come_in_order_and_errors_as_themselves(scheduler):
    """As the builtin map gives them."""
    with Cluster(scheduler) as cluster:
        assert list(cluster.run(abs, range(-20, 0))) == list(map(abs, range(-20, 0)))
        with pytest.raises(ValueError, match="invalid literal"):
            list(cluster.run(int, ["1", "two"]))


def test_without_a_scheduler_there_is_one_clear_line():
    """Nobody listens, or it is no address at all."""
    for address in ("tcp://127.0.0.1:1", "nonsense://localhost"):
        with pytest.raises(ResearchError, match=f"no dask scheduler at {address}"):
            Cluster(address, timeout_s=0.5)


def test_without_dask_the_extra_is_named(monkeypatch):
    """It is optional."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ResearchError, match=r"momentum-kit\[cluster\]"):
        Cluster("tcp://127.0.0.1:1")


def test_a_scheduler_without_workers_is_refused():
    """Nothing would ever be computed."""
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0", silence_logs=50) as local,
        pytest.raises(ResearchError, match="no worker has joined"),
    ):
        Cluster(local.scheduler_address)
