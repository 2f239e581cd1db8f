"""The layers of being connected: tables, farms by name and kind, and the history of moves."""

from collections import deque
from datetime import UTC, datetime

import pytest

from momentum_kit.bridge.codes import Action
from momentum_kit.bridge.health import (
    FARM,
    LINE,
    LINK,
    SOCKET,
    Consequence,
    FarmWord,
    Health,
    LineWord,
    SocketWord,
    after,
)
from momentum_kit.bridge.health.table import UnlistedMove
from momentum_kit.models import HealthMove, LineState, LinkState

AT = datetime(2026, 11, 30, 14, 31, tzinfo=UTC)
BROKEN, OK = "Market data farm connection is broken:{}", "Market data farm connection is OK:{}"


@pytest.fixture
def told() -> list[tuple[str, str]]:
    """What a person was told."""
    return []


@pytest.fixture
def moves() -> "deque[HealthMove]":
    """The history."""
    return deque()


@pytest.fixture
def health(told: list[tuple[str, str]], moves: "deque[HealthMove]") -> Health:
    """A connection that is up."""
    health = Health(lambda kind, text: told.append((kind, text)), lambda: AT, moves)
    health.connected(200)
    return health


@pytest.mark.parametrize("table", [SOCKET, LINK, FARM, LINE])
def test_every_state_that_a_table_leads_to_is_one_of_its_states(table: dict[str, dict[str, str]]) -> None:
    """No move leads out of a table."""
    assert {state for row in table.values() for state in row.values()} <= table.keys()


@pytest.mark.parametrize(
    ("table", "state", "word"),
    [
        (SOCKET, LinkState.UP, SocketWord.READY),
        (SOCKET, LinkState.DOWN, SocketWord.READY),
        (SOCKET, LinkState.UP, SocketWord.OPENING),
        (FARM, LinkState.UP, "vanished"),
        (LINE, LineState.LIVE, "vanished"),
    ],
)
def test_an_unlisted_move_raises(table: dict[str, dict[str, str]], state: str, word: str) -> None:
    """A layer is never guessed to be up; the line names both."""
    with pytest.raises(UnlistedMove, match=f"{state} cannot be told '?.*{word!s}"):
        after(table, state, word)  # type: ignore[type-var]


def test_farms_and_lines_have_a_move_for_every_word() -> None:
    """Whatever a gateway says of them, in any state, is thought of."""
    assert all(row.keys() == set(FarmWord) for row in FARM.values())
    assert all(row.keys() == set(LineWord) for row in LINE.values()) and LINE.keys() == set(LineState)


def test_a_repeated_loss_is_told_once(health: Health, told: list[tuple[str, str]]) -> None:
    """1100 repeats during a reset; only the change counts."""
    for _ in range(5):
        health.hear(Action.LINK_DOWN, 1100, "Connectivity has been lost")
    assert health.snapshot({}).broker is LinkState.DOWN
    assert not health.snapshot({}).may_enter
    health.hear(Action.LINK_UP, 1102, "restored")
    assert health.snapshot({}).may_enter
    assert [kind for kind, _ in told] == ["broker link", "broker link"]


def test_a_broken_farm_of_data_bars_entries_until_it_is_back(health: Health, told: list[tuple[str, str]]) -> None:
    """Lines are doubted when it breaks and asked for again when it is back; while it connects it is not back."""
    assert health.hear(Action.FARM_UP, 2104, OK.format("usfarm")) is Consequence.NONE
    assert health.hear(Action.FARM_DOWN, 2103, BROKEN.format("usfarm")) is Consequence.DOUBT_ALL
    assert health.hear(Action.FARM_DOWN, 2103, BROKEN.format("usfarm")) is Consequence.NONE
    assert not health.snapshot({}).may_enter
    health.hear(Action.FARM_CONNECTING, 2119, "Market data farm is connecting:usfarm")
    assert health.snapshot({}).barring_farms == ("usfarm",)
    assert health.hear(Action.FARM_UP, 2104, OK.format("usfarm")) is Consequence.ASK_SILENT
    assert health.snapshot({}).may_enter
    assert told == [("data farm", "usfarm is down"), ("data farm", "usfarm is up again")]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (2105, "HMDS data farm connection is broken:ushmds"),
        (2157, "Sec-def data farm connection is broken:secdefil"),
        (2105, "HMDS-Datenfarmverbindung ist unterbrochen:fundfarm"),
    ],
)
def test_a_farm_of_history_or_definitions_bars_no_entry(
    health: Health, told: list[tuple[str, str]], code: int, text: str
) -> None:
    """It is told and shown all the same; no line is doubted, in whatever language the gateway speaks."""
    assert health.hear(Action.FARM_DOWN, code, text) is Consequence.NONE
    state = health.snapshot({})
    assert (state.may_enter, list(state.farms.values())) == (True, [LinkState.DOWN])
    assert [kind for kind, _ in told] == ["data farm"]


def test_a_farm_of_other_data_bars_nothing_while_a_line_ticks(health: Health) -> None:
    """IB names no farm a symbol: what ticks since the farm broke is served by another one."""
    health.hear(Action.FARM_DOWN, 2103, BROKEN.format("eufarm"))
    assert not health.snapshot({1: LineState.DOUBTED, 2: LineState.ASKED}).may_enter
    assert health.snapshot({1: LineState.DOUBTED, 2: LineState.LIVE}).may_enter


def test_a_farm_without_a_name_ends_with_the_next_of_its_kind(health: Health) -> None:
    """It must not bar entries for ever."""
    health.hear(Action.FARM_DOWN, 2103, "Market data farm connection is broken.")
    health.hear(Action.FARM_UP, 2106, "HMDS data farm connection is OK:ushmds")
    assert not health.snapshot({}).may_enter
    health.hear(Action.FARM_UP, 2104, OK.format("usfarm"))
    assert health.snapshot({}).may_enter


def test_the_return_of_the_link_names_the_farms(health: Health) -> None:
    """IB lists them in one sentence and sends no 2104 for each."""
    health.hear(Action.FARM_DOWN, 2103, BROKEN.format("usfarm.nj"))
    health.hear(Action.LINK_DOWN, 1100, "Connectivity between IB and Trader Workstation has been lost.")
    words = "Connectivity between IB and Trader Workstation has been restored - data maintained."
    listed = "The following farms are connected: usfarm.nj; ushmds. The following farms are not connected: cashfarm."
    assert health.hear(Action.LINK_UP, 1102, f"{words} {listed}") is Consequence.FRESH_TICK
    up, down = LinkState.UP, LinkState.DOWN
    state = health.snapshot({})
    assert state.farms == {"usfarm.nj": up, "ushmds": up, "cashfarm": down}
    assert (state.broker, state.link_returns) == (up, 1)


def test_the_history_says_when_what_changed_and_why(health: Health, moves: "deque[HealthMove]") -> None:
    """Moves only: a word that changes nothing is none."""
    for text in ("one", "two"):
        health.hear(Action.LINK_DOWN, 1100, text)
    health.hear(Action.FARM_UP, 2104, OK.format("usfarm"))
    health.line_moved("AAPL(265598)", LineState.LIVE, LineState.TAKEN, "competing")
    health.disconnected("the gateway closed the connection", expected=False)
    assert [(move.layer, move.before, move.after, move.why) for move in moves] == [
        ("socket", "down", "unknown", ""),
        ("socket", "unknown", "up", "server version 200"),
        ("broker", "unknown", "up", ""),
        ("broker", "up", "down", "one (1100)"),
        ("usfarm", "unknown", "up", f"{OK.format('usfarm')} (2104)"),
        ("AAPL(265598)", "live", "taken", "competing"),
        ("socket", "up", "down", "the gateway closed the connection"),
        ("broker", "down", "unknown", ""),
    ]
    assert {move.at for move in moves} == {AT}
    assert health.snapshot({}).moves == tuple(moves)


def test_a_dormant_farm_holds_nothing_back(health: Health, told: list[tuple[str, str]]) -> None:
    """It opens on demand."""
    health.hear(Action.FARM_DORMANT, 2107, "HMDS data farm connection is inactive:ushmds")
    assert health.snapshot({}).may_enter
    assert told == []


@pytest.mark.parametrize(
    ("text", "farm"),
    [
        ("HMDS data farm connection is inactive but should be available upon demand.ushmds", "ushmds"),
        ("HMDS data farm connection is inactive but should be available upon demand.usfarm.nj", "usfarm.nj"),
        ("HMDS data farm connection is inactive but should be available upon demand:ushmds", "ushmds"),
        ("Market data farm connection is OK:usfarm.nj", "usfarm.nj"),
        ("Market data farm connection is OK:usfarm.", "usfarm"),
        ("Market data farm connection is OK: usfarm ", "usfarm"),
        ("Market data farm connection is OK", "unnamed"),
    ],
)
def test_a_farm_is_named_after_a_colon_or_a_full_stop(health: Health, text: str, farm: str) -> None:
    """IB ends the sentence in either way, and some with a full stop behind it; it is the same farm."""
    health.hear(Action.FARM_DORMANT, 2107, text)
    assert health.snapshot({}).farms == {farm: LinkState.UNKNOWN}


def test_a_line_that_was_taken_bars_entries(health: Health) -> None:
    """As long as it is taken, whatever the others do."""
    state = health.snapshot({1: LineState.LIVE, 2: LineState.TAKEN})
    assert state.competing_session and not state.may_enter
    assert health.snapshot({1: LineState.LIVE, 2: LineState.DOUBTED}).may_enter


def test_a_lost_socket_is_the_end_of_all_knowledge(health: Health, told: list[tuple[str, str]]) -> None:
    """What lies behind a dead socket is unknown, and told once."""
    health.disconnected("the gateway closed the connection", expected=False)
    health.disconnected("again", expected=False)
    state = health.snapshot({})
    assert (state.socket, state.broker, state.may_enter) == (LinkState.DOWN, LinkState.UNKNOWN, False)
    assert told == [("connection", "connection to the gateway lost: the gateway closed the connection")]


def test_a_loss_before_ready_is_kept(told: list[tuple[str, str]]) -> None:
    """A gateway without its broker says so during the handshake already."""
    health = Health(lambda kind, text: told.append((kind, text)), lambda: AT, deque())
    health.hear(Action.LINK_DOWN, 2110, "Connectivity between TWS and server is broken")
    health.connected(200)
    assert health.snapshot({}).broker is LinkState.DOWN


def test_our_own_disconnect_is_no_incident(health: Health, told: list[tuple[str, str]]) -> None:
    """What we wanted is not news."""
    health.disconnected("disconnected", expected=True)
    assert told == []
