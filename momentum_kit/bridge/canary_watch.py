"""What follows from a canary: its farm's light, the probe, and the lines that are doubted or asked for again."""

from collections.abc import Callable

from momentum_kit.bridge.health import Canary, Consequence, FarmWord, Health
from momentum_kit.bridge.streams import Subscriptions
from momentum_kit.models import Contract


def watch_canary(
    contract: Contract,
    *,
    lines: Subscriptions,
    health: Health,
    follow: Callable[[Consequence, str], None],
    probe: Callable[[], None],
    expected: Callable[[], bool],
) -> Canary:
    """A canary on a contract's line; where the broker refuses that there is none, as the incident of the line says."""

    def say(word: FarmWord, why: str) -> None:
        follow(health.canary(contract.symbol, word, why), why)

    def fell_silent(seconds: float) -> None:
        say(FarmWord.BROKEN, f"{contract.symbol} has not ticked for {seconds:.0f} s of regular hours")
        line = lines.market_line(contract)
        if line is not None:
            lines.ask_again(line.req_id)
        probe()

    return Canary(
        line=lambda: lines.market_line(contract),
        expected=expected,
        fell_silent=fell_silent,
        sings=lambda: say(FarmWord.OK, f"{contract.symbol} ticks again"),
        rests=lambda: say(FarmWord.DORMANT, f"{contract.symbol} need not tick"),
    )
