"""Which function answers which request of a client, from whichever wire it was decoded."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from momentum_kit.simgateway.client.handlers import account as handlers_account
from momentum_kit.simgateway.client.handlers import market as handlers_market
from momentum_kit.simgateway.client.handlers import news as handlers_news
from momentum_kit.simgateway.client.handlers import orders as handlers_orders
from momentum_kit.simgateway.client.handlers import profit as handlers_profit
from momentum_kit.simgateway.client.handlers import session as handlers_session
from momentum_kit.simgateway.client.handlers import ticks as handlers_ticks

if TYPE_CHECKING:
    from momentum_kit.simgateway.client.session import ClientSession

Handler = Callable[["ClientSession", Any], None]

_FAMILIES = (
    *(handlers_session, handlers_market, handlers_news, handlers_orders),
    *(handlers_account, handlers_profit, handlers_ticks),
)
HANDLERS: dict[int, Handler] = {
    int(number): handler for family in _FAMILIES for number, handler in family.HANDLERS.items()
}
