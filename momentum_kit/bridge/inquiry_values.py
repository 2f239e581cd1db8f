"""ibapi's scans, single ticks, schedules, holdings and previews -> our frozen models; as convert.py for the rest."""

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ibapi.execution import ExecutionFilter
from ibapi.scanner import ScannerSubscription
from ibapi.tag_value import TagValue

from momentum_kit.bridge import convert
from momentum_kit.bridge.times import from_epoch_s, parse_time
from momentum_kit.bridge.zones import zone_of
from momentum_kit.errors import InputError
from momentum_kit.models import (
    Bar,
    GatewaySettings,
    MidpointTick,
    ModelPosition,
    OrderPreview,
    PrintTick,
    Scan,
    ScanRow,
    SessionHours,
    TouchTick,
    ValuedPosition,
)

REAL_TIME_BAR_S = 5


def real_time_bar(
    time: int, prices: tuple[float, float, float, float], volume: Decimal, wap: Decimal, count: int
) -> Bar:
    """A 5 s bar; ValueError for a price or a volume that is none."""
    return convert.checked_bar(from_epoch_s(time), REAL_TIME_BAR_S, prices, (volume, wap, count))


def print_tick(
    time: int, price: float, amount: Decimal, marks: Any, words: tuple[str, str], received_at: datetime | None
) -> PrintTick:
    """One print; words: exchange and conditions. ValueError for what has no price or size."""
    size = convert.size(amount)
    if not 0 < price < math.inf:
        raise ValueError(f"a print at {price}")
    exchange, conditions = words
    at = from_epoch_s(time)
    return PrintTick(at, price, float(size), exchange, conditions, marks.pastLimit, marks.unreported, received_at)


def touch_tick(
    time: int, prices: tuple[float, float], sizes: tuple[Decimal, Decimal], received_at: datetime | None
) -> TouchTick:
    """One touch; a side without a price is nan. ValueError for a price or size that is no number."""
    if not all(map(math.isfinite, prices)):
        raise ValueError(f"a touch of {prices[0]} and {prices[1]}")
    bid, ask = (price if price > 0 else math.nan for price in prices)
    bid_size, ask_size = (float(convert.size(size)) for size in sizes)
    return TouchTick(from_epoch_s(time), bid, ask, bid_size, ask_size, received_at)


def midpoint_tick(time: int, price: float, received_at: datetime | None) -> MidpointTick:
    """One middle; ValueError for what is no price."""
    if not 0 < price < math.inf:
        raise ValueError(f"a middle of {price}")
    return MidpointTick(from_epoch_s(time), price, received_at)


def whole_time(text: str) -> datetime:
    """A moment with its year; ValueError for anything else."""
    return parse_time(text)


def session_hours(ib: Any, zone: str) -> SessionHours:
    """One session of a schedule, whose times are in `zone` although they are written as UTC ones are."""
    opens, closes = (parse_time(text.replace("-", " "), zone_of(zone)) for text in (ib.startDateTime, ib.endDateTime))
    return SessionHours(date(int(ib.refDate[:4]), int(ib.refDate[4:6]), int(ib.refDate[6:8])), opens, closes)


def scan_row(rank: int, details: Any, words: tuple[str, str, str]) -> ScanRow:
    """One row of a scan."""
    return ScanRow(rank, convert.contract(details.contract), *words)


def valued_position(account: str, ib_contract: Any, quantity: Decimal, money: tuple[float, ...]) -> ValuedPosition:
    """One holding; money: price, value, cost, unrealized and realized profit."""
    price, value, cost, unrealized, realized = map(convert.money, money)
    return ValuedPosition(
        account=account,
        contract=convert.contract(ib_contract),
        quantity=convert.holding(quantity),
        market_price=price,
        market_value=value,
        average_cost=cost,
        unrealized=unrealized,
        realized=realized,
    )


def model_position(account: str, model: str, ib_contract: Any, quantity: Decimal, cost: float) -> ModelPosition:
    """One holding of an account or a model."""
    held = convert.holding(quantity)
    return ModelPosition(account, model, convert.contract(ib_contract), held, convert.money(cost))


def order_preview(ib_contract: Any, state: Any) -> OrderPreview:
    """What a what-if order answers; the commission's name changed in API 10.33."""
    renamed = hasattr(state, "commissionAndFees")
    costs = ("commissionAndFees", "minCommissionAndFees", "maxCommissionAndFees")
    commission, least, most = (
        convert.money(getattr(state, name if renamed else name.replace("AndFees", ""))) for name in costs
    )
    return OrderPreview(
        contract=convert.contract(ib_contract),
        status=state.status,
        margin_before=_amount(state.initMarginBefore),
        margin_change=_amount(state.initMarginChange),
        margin_after=_amount(state.initMarginAfter),
        maintenance_before=_amount(state.maintMarginBefore),
        maintenance_change=_amount(state.maintMarginChange),
        maintenance_after=_amount(state.maintMarginAfter),
        equity_before=_amount(state.equityWithLoanBefore),
        equity_change=_amount(state.equityWithLoanChange),
        equity_after=_amount(state.equityWithLoanAfter),
        commission=commission,
        least_commission=least,
        most_commission=most,
        currency=state.commissionAndFeesCurrency if renamed else state.commissionCurrency,
        margin_currency=getattr(state, "marginCurrency", ""),
        warning=state.warningText,
    )


def _amount(text: str) -> float:
    """Margins come as text, '' or the largest double where there is none."""
    try:
        return convert.money(float(text))
    except ValueError:
        return math.nan


def gateway_settings(ib: Any) -> GatewaySettings:
    """What the gateway tells of its configuration; IB's own names are those of the protobuf schema."""
    told, precautions = ib.api.settings, ib.api.precautions

    def given(part: Any, name: str) -> bool | None:
        return bool(getattr(part, name)) if part.HasField(name) else None

    return GatewaySettings(
        read_only=given(told, "readOnlyApi"),
        bypass_order_precautions=given(precautions, "bypassOrderPrecautions"),
        bypass_no_overfill_protection=given(precautions, "bypassNoOverfillProtection"),
        lots_for_us_stocks=given(told, "sendMarketDataInLotsForUsStocks"),
        reject_above_max_rate=given(told, "rejectMessagesAboveMaxRate"),
        resubmit_on_reconnect=given(told, "maintainAndResubmitOrdersOnReconnect"),
    )


def to_ib_scan(scan: Scan) -> tuple[ScannerSubscription, list[TagValue]]:
    """Ours -> ibapi's, and the filters that have no field there."""
    ib = ScannerSubscription()
    ib.numberOfRows, ib.instrument, ib.locationCode, ib.scanCode = scan.rows, scan.instrument, scan.location, scan.code
    given = {
        "abovePrice": scan.above_price,
        "belowPrice": scan.below_price,
        "aboveVolume": scan.above_volume,
        "marketCapAbove": scan.above_market_cap,
        "marketCapBelow": scan.below_market_cap,
    }
    for name, value in given.items():
        if value is not None:
            if not 0 <= value < math.inf:
                raise InputError(f"a scan by {name} {value}: it has to be a number that is not negative")
            setattr(ib, name, value)
    ib.stockTypeFilter = scan.stock_type
    return ib, [TagValue(name, value) for name, value in scan.filters]


def to_ib_filter(days: int) -> ExecutionFilter:
    """Of today, or of so many days, today included."""
    ib = ExecutionFilter()
    if days > 1:
        ib.lastNDays = days
    return ib
