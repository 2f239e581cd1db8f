"""The layers of being connected."""

import pytest

from momentum_kit.bridge.codes import Action
from momentum_kit.bridge.health import Health
from momentum_kit.models.session import LinkState

NOTHING: frozenset[int] = frozenset()


@pytest.fixture
def told() -> list[tuple[str, str]]:
    """What a person was told."""
    return []


@pytest.fixture
def health(told: list[tuple[str, str]]) -> Health:
    """A connection that is up."""
    health = Health(lambda kind, text: told.append((kind, text)))
    health.connected(200)
    return health


def test_a_repeated_loss_is_told_once(health: Health, told: list[tuple[str, str]]) -> None:
    """1100 repeats during a reset; only the change counts."""
    for _ in range(5):
        health.act(Action.LINK_DOWN, -1, 1100, "Connectivity has been lost")
    assert health.snapshot(NOTHING).broker is LinkState.DOWN
    assert not health.snapshot(NOTHING).may_enter
    health.act(Action.LINK_UP, -1, 1102, "restored")
    assert health.snapshot(NOTHING).may_enter
    assert [kind for kind, _ in told] == ["broker link", "broker link"]


def test_a_broken_farm_bars_entries_until_it_is_back(health: Health, told: list[tuple[str, str]]) -> None:
    """Farms are named by the text behind the colon; other farms do not matter."""
    health.act(Action.FARM_UP, -1, 2104, "Market data farm connection is OK:usfarm")
    health.act(Action.FARM_DOWN, -1, 2105, "HMDS data farm connection is broken:ushmds")
    assert health.snapshot(NOTHING).farms == {"usfarm": LinkState.UP, "ushmds": LinkState.DOWN}
    assert not health.snapshot(NOTHING).may_enter
    health.act(Action.FARM_CONNECTING, -1, 2119, "Market data farm is connecting:ushmds")
    health.act(Action.FARM_UP, -1, 2106, "HMDS data farm connection is OK:ushmds")
    assert health.snapshot(NOTHING).may_enter
    assert told == [("data farm", "ushmds is down"), ("data farm", "ushmds is up again")]


def test_a_dormant_farm_holds_nothing_back(health: Health, told: list[tuple[str, str]]) -> None:
    """It opens on demand."""
    health.act(Action.FARM_DORMANT, -1, 2107, "HMDS data farm connection is inactive:ushmds")
    assert health.snapshot(NOTHING).may_enter
    assert told == []


@pytest.mark.parametrize(
    ("text", "farm"),
    [
        ("HMDS data farm connection is inactive but should be available upon demand.ushmds", "ushmds"),
        ("HMDS data farm connection is inactive but should be available upon demand.usfarm.nj", "usfarm.nj"),
        ("HMDS data farm connection is inactive but should be available upon demand:ushmds", "ushmds"),
        ("Market data farm connection is OK:usfarm.nj", "usfarm.nj"),
        ("Market data farm connection is OK", "unnamed"),
    ],
)
def test_a_farm_is_named_after_a_colon_or_a_full_stop(health: Health, text: str, farm: str) -> None:
    """IB ends the sentence in both ways; it is the same farm."""
    health.act(Action.FARM_DOWN, -1, 2105, f"HMDS data farm connection is broken:{farm}")
    health.act(Action.FARM_DORMANT, -1, 2107, text)
    assert health.snapshot(NOTHING).farms == {farm: LinkState.UNKNOWN}


def test_a_competing_session_ends_when_live_data_flows(health: Health, told: list[tuple[str, str]]) -> None:
    """Each line that reported it must tick again."""
    health.act(Action.CONFLICT, 7, 10197, "No market data during competing live session")
    health.act(Action.CONFLICT, 8, 10197, "No market data during competing live session")
    assert health.snapshot(NOTHING).competing_session
    health.flows(7)
    assert health.snapshot(NOTHING).competing_session
    health.flows(8)
    assert not health.snapshot(NOTHING).competing_session
    assert len(told) == 2


def test_a_lost_socket_is_the_end_of_all_knowledge(health: Health, told: list[tuple[str, str]]) -> None:
    """What lies behind a dead socket is unknown, and told once."""
    health.disconnected("the gateway closed the connection", expected=False)
    health.disconnected("again", expected=False)
    state = health.snapshot(NOTHING)
    assert (state.socket, state.broker, state.may_enter) == (LinkState.DOWN, LinkState.UNKNOWN, False)
    assert told == [("connection", "connection to the gateway lost: the gateway closed the connection")]


def test_a_loss_before_ready_is_kept(told: list[tuple[str, str]]) -> None:
    """A gateway without its broker says so during the handshake already."""
    health = Health(lambda kind, text: told.append((kind, text)))
    health.act(Action.LINK_DOWN, -1, 2110, "Connectivity between TWS and server is broken")
    health.connected(200)
    assert health.snapshot(NOTHING).broker is LinkState.DOWN


def test_our_own_disconnect_is_no_incident(health: Health, told: list[tuple[str, str]]) -> None:
    """What we wanted is not news."""
    health.disconnected("disconnected", expected=True)
    assert told == []
