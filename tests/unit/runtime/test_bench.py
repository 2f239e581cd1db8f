import pytest

from momentum_kit.errors import InputError
from momentum_kit.runtime import as_table, run_benchmark
from momentum_kit.runtime.bench import Row, known_benchmarks


def test_a_goal_is_a_floor_or_a_ceiling() -> None:
    """Rates must reach their goal, waits must stay below theirs; without a goal nothing holds or fails."""
    rows = [
        Row(name="rate", value=90, unit="1/s", goal=100),
        Row(name="wait", value=1, unit="ms", goal=2, least=False),
        Row(name="size", value=3, unit="MB"),
    ]
    assert [row.as_dict()["holds"] for row in rows] == [False, True, None]


def test_a_peer_gives_a_ratio() -> None:
    """How many times the peer's value, also in words."""
    row = Row(name="rate", value=90, unit="1/s", peer="ib_async", peer_value=30).as_dict()
    assert row["ratio"] == 3
    assert "ib_async 30 (x 3.00)" in as_table({"machine": {"cores": 2}, "rows": [row]})


def test_an_unknown_benchmark_is_refused() -> None:
    """The known ones are named."""
    assert {"gateway", "orders"} <= set(known_benchmarks())
    with pytest.raises(InputError, match="gateway"):
        run_benchmark("gatway")
