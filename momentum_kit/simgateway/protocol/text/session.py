"""Messages of the session itself: greeting, ids, accounts, errors, clock."""

from datetime import datetime

from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.twins import ACCOUNTS, CONFIG, IDS_AND_TIME, PLACE_ORDER, protobuf_from
from momentum_kit.simgateway.protocol.wire import ascii7, epoch_ms, frame, message
from momentum_kit.simgateway.scenario import ApiSpec

ADVANCED_REJECT = 166  # server version from which errors carry advancedOrderRejectJson
ERROR_TIME = 194  # ... lose their version field and carry their time


def greeting(version: int, now: datetime) -> bytes:
    """The reply to a hello: version and time with the gateway's zone in words. Must leave in a write of its own."""
    local = now.astimezone(NEW_YORK)
    zone = "Eastern Daylight Time" if local.dst() else "Eastern Standard Time"
    return frame(version, f"{local:%Y%m%d %H:%M:%S} {zone}")


@protobuf_from(ACCOUNTS)
def managed_accounts(version: int, accounts: tuple[str, ...]) -> bytes:
    """Accounts of this login, joined by commas."""
    return message(version, Reply.MANAGED_ACCOUNTS, 1, ",".join(accounts))


@protobuf_from(IDS_AND_TIME)
def next_valid_id(version: int, order_id: int) -> bytes:
    """The lowest order id this client may use now."""
    return message(version, Reply.NEXT_VALID_ID, 1, order_id)


@protobuf_from(PLACE_ORDER)
def error(version: int, at: datetime, request_id: int, code: int, text: str, advanced: str = "") -> bytes:
    """An error, warning or notice; request_id -1 belongs to no request."""
    if version >= ERROR_TIME:
        return message(version, Reply.ERROR, request_id, code, ascii7(text), ascii7(advanced), epoch_ms(at))
    if version >= ADVANCED_REJECT:
        return message(version, Reply.ERROR, 2, request_id, code, ascii7(text), ascii7(advanced))
    return message(version, Reply.ERROR, 2, request_id, code, ascii7(text))


@protobuf_from(IDS_AND_TIME)
def current_time(version: int, now: datetime) -> bytes:
    """Market time in seconds since 1970."""
    return message(version, Reply.CURRENT_TIME, 1, int(now.timestamp()))


@protobuf_from(IDS_AND_TIME)
def current_time_in_millis(version: int, now: datetime) -> bytes:
    """Market time in milliseconds since 1970."""
    return message(version, Reply.CURRENT_TIME_IN_MILLIS, epoch_ms(now))


@protobuf_from(CONFIG)
def config_response(version: int, request_id: int, settings: ApiSpec) -> bytes:
    """The gateway's API settings; before they were told in protobuf they were not told at all."""
    text = f"The API settings of request {request_id} ({len(settings.model_dump())}) cannot be read"
    return message(version, Reply.ERROR, 2, request_id, 321, text)
