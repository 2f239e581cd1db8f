"""docs/api.md: every request of the installed client is reached or left out, and what is named exists."""

import inspect
import re
from pathlib import Path

from ibapi.client import EClient

from momentum_kit import Kit
from momentum_kit.bridge import IBKRBridge

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text()
REACHED = re.findall(
    r"^\| (?!EClient)(\w+) \| ([^|]*?) ?\| ([^|]*?) ?\| [^|]*\|$", PAGE.partition("## Left out")[0], re.MULTILINE
)
LEFT_OUT = re.findall(r"^\| (?!EClient)(\w+) \| ([^|]+) \|$", PAGE.partition("## Left out")[2], re.MULTILINE)
ASKS = ("req", "cancel", "place", "calculate", "exercise", "query", "subscribe", "unsubscribe", "update", "replace",
        "verify", "setServer")  # fmt: skip


def requests_of_the_client() -> set[str]:
    """What EClient can send, once: the protobuf form of a request that has a classic one is the same request."""
    found = {name for name, _ in inspect.getmembers(EClient, inspect.isfunction) if name.startswith(ASKS)}
    classic = {name for name in found if not name.endswith("ProtoBuf")}
    shorter = {"MarketData": "MktData", "MarketDepth": "MktDepth", "ContractData": "ContractDetails", "FA": "requestFA"}
    for name in found - classic:
        base = name.removesuffix("ProtoBuf")
        same = {base.lower(), *(base.replace(*pair).lower() for pair in shorter.items()), f"{base}Data".lower()}
        if not any(known.lower() in same for known in classic) and base != "reqFA":
            classic.add(base)
    return classic


def test_every_request_of_the_installed_client_stands_in_the_table() -> None:
    """None is missing, none is invented, none stands twice; older clients have fewer."""
    listed = [name for name, *_ in (*REACHED, *LEFT_OUT)]
    assert len(listed) == len(set(listed))
    assert requests_of_the_client() <= set(listed)
    assert set(listed) - requests_of_the_client() == set()


def test_what_reaches_a_request_exists() -> None:
    """A name of a bridge's or a kit's cell is a method there; only cancels have none of their own."""
    for request, bridge, kit in REACHED:
        methods = [] if bridge.startswith("(") else bridge.split(", ")
        assert methods or request.startswith("cancel"), request
        for name in methods:
            assert hasattr(IBKRBridge, name), name
        for name in filter(None, kit.split(", ")):
            assert hasattr(Kit, name), name


def test_everything_that_a_kit_can_ask_stands_in_the_table() -> None:
    """No inquiry of a kit is left out, and each has its plain twin."""
    from momentum_kit.notebook.kit.inquiries import KitInquiries

    named = {name for _, _, kit in REACHED for name in kit.split(", ")}
    asked = {name for name, call in vars(KitInquiries).items() if inspect.iscoroutinefunction(call) and name[0] != "_"}
    assert asked <= named
    assert {f"{name}_sync" for name in asked} <= set(dir(Kit))
