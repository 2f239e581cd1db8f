"""Dask's connections run code: in the clear they stay on this machine."""

import pytest

from momentum_kit.errors import ResearchError
from momentum_kit.research.study import Cluster

PLAIN = ["tcp://10.0.0.5:8786", "10.0.0.5:8786", "tcp://scheduler.example.com:8786", "ws://10.0.0.5:8786",
         "tcp://0.0.0.0:8786", "tcp://[2001:db8::1]:8786", "tcp://localhost.example.com:8786", "tcp://127.0.0.1@10.0.0.5:1",
         "ucx://10.0.0.5:8786", "tcp://"]  # fmt: skip


@pytest.mark.parametrize("address", PLAIN)
def test_nothing_leaves_the_machine_in_the_clear(address: str) -> None:
    """Refused before a connection is tried, with the remedy."""
    with pytest.raises(ResearchError, match="tls://"):
        Cluster(address, timeout_s=0.1)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://localhost:1", "tcp://[::1]:1", "127.0.0.5:1"])
def test_on_this_machine_it_needs_none(address: str) -> None:
    """Nobody listens there, and that is all that is wrong."""
    with pytest.raises(ResearchError, match="no dask scheduler"):
        Cluster(address, timeout_s=0.1)
