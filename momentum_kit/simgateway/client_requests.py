"""Which function answers which request of a client, from whichever wire it was decoded."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from momentum_kit.simgateway import (
    handlers_account,
    handlers_market,
    handlers_news,
    handlers_orders,
    handlers_profit,
    handlers_session,
    handlers_ticks,
)

if TYPE_CHECKING:
    from momentum_kit.simgateway.client_session import ClientSession

Handler = Callable[["ClientSession", Any], None]

_FAMILIES = (
    *(handlers_session, handlers_market, handlers_news, handlers_orders),
    *(handlers_account, handlers_profit, handlers_ticks),
)
HANDLERS: dict[int, Handler] = {
    int(number): handler for family in _FAMILIES for number, handler in family.HANDLERS.items()
}
