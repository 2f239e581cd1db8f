"""The gateway's own settings: what each must be for a session to be safe, read where it tells them, else asked for."""

from dataclasses import dataclass

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import RequestFailed
from momentum_kit.models import GatewaySettings
from momentum_kit.runtime.doctor.finding import Finding, Grade

_PLACE = "Global Configuration, API"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """One setting: wanted is what it must be, None where either will do; otherwise: what follows if it is not."""

    check: str
    field: str
    wanted: bool | None
    grade: Grade
    box: str
    otherwise: str

    def finding(self, settings: GatewaySettings | None) -> Finding:
        """What to say of it; a setting that is not told is a question to a person."""
        value: bool | None = getattr(settings, self.field) if settings else None
        if value is None:
            should = "may be on or off" if self.wanted is None else f"must be {_state(self.wanted)}"
            advice = f"this gateway does not tell: look in {_PLACE}; {self.otherwise}"
            return Finding(self.check, Grade.ASK, f"{self.box} {should}", advice)
        if self.wanted is None or value is self.wanted:
            return Finding(self.check, Grade.OK, f"{self.box} is {_state(value)}")
        advice = f"switch it {_state(self.wanted)} in {_PLACE}: {self.otherwise}"
        return Finding(self.check, self.grade, f"{self.box} is {_state(value)}", advice)


WANTED = (
    _Wanted(
        check="read-only",
        field="read_only",
        wanted=False,
        grade=Grade.PROBLEM,
        box="Settings, 'Read-Only API'",
        otherwise="it refuses every order (321)",
    ),
    _Wanted(
        check="order presets",
        field="bypass_order_precautions",
        wanted=True,
        grade=Grade.WARNING,
        box="Precautions, 'Bypass Order Precautions for API Orders'",
        otherwise="without it presets refuse orders and stops by size, value or price (383, 451, 109)",
    ),
    _Wanted(
        check="overfill",
        field="bypass_no_overfill_protection",
        wanted=False,
        grade=Grade.WARNING,
        box="Precautions, 'Bypass No Overfill Protection'",
        otherwise="with it target and stop may both fill where an exchange does not guard an OCA group",
    ),
    _Wanted(
        check="sizes",
        field="lots_for_us_stocks",
        wanted=False,
        grade=Grade.PROBLEM,
        box="Settings, 'Send market data in lots for US stocks'",
        otherwise="live sizes would be a hundredth of history's, and every volume rule wrong",
    ),
    _Wanted(
        check="orders again",
        field="resubmit_on_reconnect",
        wanted=False,
        grade=Grade.WARNING,
        box="Settings, 'Maintain and resubmit orders when connection is restored'",
        otherwise="an order that was given up here may go out later",
    ),
    _Wanted(
        check="message rate",
        field="reject_above_max_rate",
        wanted=None,
        grade=Grade.OK,
        box="Settings, 'Reject messages above maximum allowed message rate'",
        otherwise="on, the third breach ends the session (100); off, orders would wait unseen; the kit stays below it",
    ),
)


def judge_settings(settings: GatewaySettings | None) -> list[Finding]:
    """A finding each; None where the gateway tells none, and then each is a question to a person."""
    return [wanted.finding(settings) for wanted in WANTED]


async def gateway_settings(bridge: IBKRBridge) -> list[Finding]:
    """Read them from a gateway of server version 219 and up."""
    try:
        return judge_settings(await bridge.fetch_gateway_settings())
    except RequestFailed:
        return judge_settings(None)


def _state(on: bool) -> str:
    return "on" if on else "off"
