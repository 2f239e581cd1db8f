import pytest

from momentum_kit.simgateway.client import PACING, Limits
from momentum_kit.simgateway.scenario import LimitsSpec


class Wall:
    """A wall clock moved by hand, seconds."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now_s


@pytest.fixture
def wall() -> Wall:
    """Shared by a test and its limits."""
    return Wall()


def limits(wall: Wall, **changes: object) -> Limits:
    """IB's limits on a clock moved by hand."""
    return Limits(LimitsSpec(enforced="always", **changes), wall=wall)


def test_the_51st_message_in_a_second_is_a_breach_and_the_51st_after_it_the_next(wall: Wall) -> None:
    """50 go through, one is refused with its count, and a new second begins."""
    rate = limits(wall).message_rate()
    assert [rate.refusal() for _ in range(50)] == [None] * 50
    assert rate.refusal() == "Max rate of messages per second has been exceeded:max=50 rec=51 (1)"
    assert [rate.refusal() for _ in range(50)] == [None] * 50
    assert rate.refusal() == "Max rate of messages per second has been exceeded:max=50 rec=51 (2)"


def test_fifty_a_second_never_breach(wall: Wall) -> None:
    """A client just below the rate is left alone."""
    rate = limits(wall).message_rate()
    for _ in range(500):
        assert rate.refusal() is None
        wall.now_s += 0.0201


def test_a_paced_connection_waits(wall: Wall) -> None:
    """+PACEAPI: the 51st message waits until the first is a second old."""
    rate = limits(wall).message_rate()
    rate.paced = True
    for _ in range(50):
        assert rate.wait_s() == 0
        rate.refusal()
        wall.now_s += 0.001
    assert rate.wait_s() == pytest.approx(0.95)
    wall.now_s += 0.95
    assert rate.wait_s() == pytest.approx(0, abs=1e-9)


def test_a_lifted_rate_never_refuses(wall: Wall) -> None:
    """Null in the scenario means no limit."""
    rate = limits(wall, messages_per_s=None).message_rate()
    assert not any(rate.refusal() for _ in range(1000))


def test_rates_hold_only_where_market_time_is_the_walls() -> None:
    """In lock-step or at another speed a wall rate means nothing, unless the scenario insists."""
    assert Limits(LimitsSpec(), real_time=False).message_rate().limit is None
    assert Limits(LimitsSpec(), real_time=True).message_rate().limit == 50
    assert Limits(LimitsSpec(enforced="always")).message_rate().limit == 50
    assert Limits(LimitsSpec(), real_time=False).lines == 100


def test_identical_small_bars_within_15_s(wall: Wall) -> None:
    """The same request again is refused for 15 s; another one is not."""
    known = limits(wall)
    assert known.small_bars(1, "SMART", "TRADES", "1 D") is None
    assert known.small_bars(1, "SMART", "TRADES", "1 D") == PACING
    assert known.small_bars(1, "SMART", "TRADES", "2 D") is None
    wall.now_s += 15
    assert known.small_bars(1, "SMART", "TRADES", "1 D") is None


def test_six_for_one_contract_in_two_seconds(wall: Wall) -> None:
    """The sixth for the same contract, exchange and tick type is refused; another exchange counts apart."""
    known = limits(wall)
    assert [known.small_bars(1, "SMART", "TRADES", n) for n in range(6)] == [None] * 5 + [PACING]
    assert known.small_bars(1, "ARCA", "TRADES", 0) is None
    wall.now_s += 2
    assert known.small_bars(1, "SMART", "TRADES", 9) is None


def test_sixty_in_ten_minutes_and_bid_ask_counts_twice(wall: Wall) -> None:
    """30 BID_ASK requests use the allowance up; it is back ten minutes later."""
    known = limits(wall)
    assert [known.small_bars(n, "SMART", "BID_ASK") for n in range(31)] == [None] * 30 + [PACING]
    assert known.small_bars(99, "SMART", "TRADES") == PACING
    wall.now_s += 600
    assert known.small_bars(99, "SMART", "TRADES") is None


def test_one_tick_by_tick_request_an_instrument_in_15_s(wall: Wall) -> None:
    """Another instrument may be asked at once."""
    known = limits(wall)
    assert [known.tick_by_tick_too_soon(con_id) for con_id in (1, 1, 2)] == [False, True, False]
    wall.now_s += 15
    assert not known.tick_by_tick_too_soon(1)
