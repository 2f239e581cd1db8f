"""placeOrder, the longest request: read field by field as the official client writes it, kept by attribute name."""

from dataclasses import dataclass

from momentum_kit.simgateway.protocol.text.orders import (
    AUTO_CANCEL_PARENT,
    CUSTOMER_ACCOUNT,
    DURATION,
    IMBALANCE_ONLY,
    LIST_SEPARATOR,
    NO_FA_PROFILE,
    OVERNIGHT,
    PEG_OFFSETS,
    POST_TO_ATS,
    PROFESSIONAL,
)
from momentum_kit.simgateway.protocol.text.requests import CME_TAGS, MAX_LIST, RFQ_FIELDS, ContractQuery
from momentum_kit.simgateway.protocol.wire import UNSET_INTEGER, FieldReader, WireError

ADVANCED_OVERRIDE, MANUAL_ORDER_TIME = 166, 169
_CONDITION_FIELDS = {1: 6, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5}  # fields after a condition's type
_MAIN = (
    "action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef transmit parentId "
    "blockOrder sweepToFill displaySize triggerMethod outsideRth hidden"
)
_DATES = "sharesAllocation discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage"
_EXTENDED = (
    "modelCode shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty percentOffset "
    "eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta stockRangeLower "
    "stockRangeUpper overridePercentageConstraints volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice"
)
_TRAIL_AND_SCALE = (
    "continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize scaleSubsLevelSize "
    "scalePriceIncrement"
)
_CLEARING = "optOutSmartRouting clearingAccount clearingIntent notHeld"
_AFTER_ALGO = "algoId whatIf orderMiscOptions solicited randomizeSize randomizePrice"
_ADJUSTED = (
    "adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount "
    "adjustableTrailingUnit extOperator softDollarName softDollarValue cashQty mifid2DecisionMaker mifid2DecisionAlgo "
    "mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice "
    "usePriceMgmtAlgo"
)
_WHOLE = (
    "origin displaySize triggerMethod shortSaleSlot exemptCode ocaType minQty volatilityType duration postToAts "
    "manualOrderIndicator usePriceMgmtAlgo"
)
_REAL = (
    "discretionaryAmt percentOffset startingPrice stockRefPrice delta stockRangeLower stockRangeUpper volatility "
    "cashQty triggerPrice lmtPriceOffset"
)
_LARGEST_WHOLE = 2**31 - 1
_UNSET = frozenset({UNSET_INTEGER, "1.7976931348623157E308", "1.7976931348623157e+308"})


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """A decoded placeOrder: raw holds every order field by ibapi attribute name, '' where unset."""

    order_id: int
    contract: ContractQuery
    raw: dict[str, str]


def read_place_order(fields: FieldReader, version: int) -> PlaceOrder:
    """Read one placeOrder; WireError where the fields do not fit, or where it is a combination or a pegged order."""
    order_id, contract = fields.integer(), ContractQuery.read(fields)
    if contract.sec_type == "BAG":
        raise WireError("combination orders are not simulated")
    fields.skip(2)  # secIdType, secId
    raw: dict[str, str] = {"exchange": contract.exchange}
    _take(fields, raw, _MAIN)
    _take(fields, raw, _DATES)
    if version < NO_FA_PROFILE:
        fields.skip()
    _take(fields, raw, _EXTENDED)
    if raw["deltaNeutralOrderType"]:
        fields.skip(8)
    _take(fields, raw, _TRAIL_AND_SCALE)
    if _is_positive(raw["scalePriceIncrement"]):
        fields.skip(7)
    fields.skip(3)  # scaleTable, activeStartTime, activeStopTime
    _take(fields, raw, "hedgeType")
    if raw["hedgeType"]:
        _take(fields, raw, "hedgeParam")
    _take(fields, raw, _CLEARING)
    if fields.flag():
        fields.skip(3)  # delta-neutral contract
    _take_algo(fields, raw)
    _take(fields, raw, _AFTER_ALGO)
    if raw["orderType"] in ("PEG BENCH", "PEGBENCH"):
        fields.skip(5)
    _take_conditions(fields, raw)
    _take(fields, raw, _ADJUSTED)
    _take_tail(fields, raw, version, contract.exchange)
    _check_numbers(raw)
    return PlaceOrder(order_id, contract, raw)


def _take(fields: FieldReader, raw: dict[str, str], names: str) -> None:
    for name in names.split():
        value = fields.text()
        raw[name] = "" if value in _UNSET else value


def _take_algo(fields: FieldReader, raw: dict[str, str]) -> None:
    _take(fields, raw, "algoStrategy")
    if raw["algoStrategy"]:
        raw["algoParams"] = _list(fields, 2 * _count(fields))


def _take_conditions(fields: FieldReader, raw: dict[str, str]) -> None:
    count = _count(fields)
    if not count:
        return
    parts: list[str] = []
    for _ in range(count):
        kind = fields.integer()
        if kind not in _CONDITION_FIELDS:
            raise WireError(f"no condition has type {kind}")
        parts += [str(kind), _list(fields, _CONDITION_FIELDS[kind])]
    raw["conditionsCount"], raw["conditions"] = str(count), LIST_SEPARATOR.join(parts)
    _take(fields, raw, "conditionsIgnoreRth conditionsCancelOrder")


def _take_tail(fields: FieldReader, raw: dict[str, str], version: int, exchange: str) -> None:
    since = (
        (DURATION, "duration"),
        (POST_TO_ATS, "postToAts"),
        (AUTO_CANCEL_PARENT, "autoCancelParent"),
        (ADVANCED_OVERRIDE, "advancedErrorOverride"),
        (MANUAL_ORDER_TIME, "manualOrderTime"),
    )
    _take(fields, raw, " ".join(name for first, name in since if version >= first))
    if version >= PEG_OFFSETS:
        _skip_peg_offsets(fields, raw["orderType"], exchange)
    _take(fields, raw, "customerAccount" if version >= CUSTOMER_ACCOUNT else "")
    _take(fields, raw, "professionalCustomer" if version >= PROFESSIONAL else "")
    fields.skip(2 if version in RFQ_FIELDS else 0)
    _take(fields, raw, "includeOvernight" if version >= OVERNIGHT else "")
    _take(fields, raw, "manualOrderIndicator" if version >= CME_TAGS else "")
    _take(fields, raw, "imbalanceOnly" if version >= IMBALANCE_ONLY else "")


def _skip_peg_offsets(fields: FieldReader, order_type: str, exchange: str) -> None:
    fields.skip(1 if exchange == "IBKRATS" else 0)
    if order_type in ("PEG BEST", "PEGBEST"):
        fields.skip()
        up_to_mid = fields.text() == "Infinite"
        fields.skip(2 if up_to_mid else 0)
    elif order_type in ("PEG MID", "PEGMID"):
        fields.skip(2)


def _is_positive(text: str) -> bool:
    try:
        return bool(text) and float(text) > 0
    except ValueError as error:
        raise WireError(f"not a number: '{text[:40]}'") from error


def _check_numbers(raw: dict[str, str]) -> None:
    """What openOrder echoes to any client must be a number where the client reads one."""
    for name in _WHOLE.split():
        text = raw.get(name, "")
        digits = text.removeprefix("-")
        if text and not (digits.isascii() and digits.isdigit() and int(digits) <= _LARGEST_WHOLE):
            raise WireError(f"{name} is not a whole number: '{text[:40]}'")
    for name in _REAL.split():
        _is_positive(raw.get(name, ""))


def _count(fields: FieldReader) -> int:
    count = fields.integer(0)
    if not 0 <= count <= MAX_LIST:
        raise WireError(f"a list of {count}")
    return count


def _list(fields: FieldReader, count: int) -> str:
    return LIST_SEPARATOR.join(fields.text().replace(LIST_SEPARATOR, " ") for _ in range(count))
