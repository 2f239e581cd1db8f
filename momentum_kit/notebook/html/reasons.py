"""Why a decision fell as it did, in units that people read: `-0.19% < 3.00%` where the journal has fractions."""

import re

from momentum_kit.pages import in_new_york, number

_COMPARED = re.compile(r"(\S+) ([<>=]) (\S+)$")
_UNITS = {  # of a rule: factor to what people read, decimals, unit
    "move": (100, 2, "%"), "extension": (100, 1, "%"), "price range": (1, 2, " USD"), "z": (1, 1, ""),
    "rvol bar": (1, 1, "\u00d7"), "rvol cum": (1, 1, "\u00d7"), "dollar volume": (1, 0, " USD"), "trades": (1, 0, ""),
    "spread": (1, 0, " bps"), "close location": (1, 2, ""),
}  # fmt: skip


def rule_value(rule: str, value: object) -> str:
    """What a rule saw, or its limit, with its unit."""
    if rule not in _UNITS or not isinstance(value, int | float):
        return number(value, 4)
    factor, decimals, unit = _UNITS[rule]
    known = number(value * factor, decimals)
    return f"{known}{unit}" if value == value else known


def reason_detail(reason: str, detail: str, decided_at: object) -> str:
    """The numbers behind a reason of the journal's, its time of day as New York's."""
    told = in_new_york(detail, decided_at)
    compared = _COMPARED.search(told)
    if reason not in _UNITS or compared is None:
        return told
    left, right = rule_value(reason, float(compared[1])), rule_value(reason, float(compared[3]))
    return f"{told[: compared.start()]}{left} {compared[2]} {right}"
