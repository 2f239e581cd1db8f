"""The long session of `make soak` in small: it ends in order, and says what its processes hold."""

from pathlib import Path

import pytest

from tests.soak.run import NOTEBOOK_MB, soak


@pytest.mark.timeout(300)  # a gateway, an engine, a kernel and its runner start on a machine that may be busy
def test_a_short_session_by_the_wall(tmp_path: Path) -> None:
    """Six minutes at sixty times their speed: exit status 0, every process measured, a small notebook."""
    found = soak(hours=0.1, rate=60, folder=tmp_path)
    assert found.exit_status == 0
    assert set(found.quarters_mb) == {"engine", "gateway", "kernel", "runner"}
    assert found.notebook_mb < NOTEBOOK_MB
    assert "flatten" not in found.summary["incidents"]
