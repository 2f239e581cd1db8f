"""What clients ask, decoded: one frozen value a request, read in the field order of the official client."""

from dataclasses import dataclass, replace

from momentum_kit.simgateway.protocol.wire import FieldReader, WireError

RFQ_FIELDS = range(187, 190)  # sent by these versions only, then taken back
CME_TAGS = 192  # cancelOrder and reqGlobalCancel lose their version field
DAYS_OF_EXECUTIONS = 200
MOST_DAYS = 366
MAX_LIST = 1_000  # longer lists inside a request are a mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractQuery:
    """The contract fields every request shares; con_id 0 and empty text are open."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    trading_class: str

    @classmethod
    def read(cls, fields: FieldReader) -> "ContractQuery":
        """Read the twelve fields from conId to tradingClass; expiry, strike, right and multiplier mean nothing here."""
        con_id, symbol, sec_type = fields.integer(0), fields.text(), fields.text()
        fields.skip(4)
        return cls(
            con_id=con_id,
            symbol=symbol,
            sec_type=sec_type,
            exchange=fields.text(),
            primary_exchange=fields.text(),
            currency=fields.text(),
            local_symbol=fields.text(),
            trading_class=fields.text(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDataRequest:
    """reqMktData; generic_ticks as the client wrote them."""

    request_id: int
    contract: ContractQuery
    generic_ticks: str
    snapshot: bool

    @classmethod
    def read(cls, fields: FieldReader) -> "MarketDataRequest":
        """Version, id, contract, delta-neutral flag, ticks, snapshot, regulatory snapshot, options."""
        fields.skip()
        request_id, contract = fields.integer(), ContractQuery.read(fields)
        refuse_combo(contract)
        if fields.flag():
            fields.skip(3)
        ticks, snapshot, regulatory = fields.text(), fields.flag(), fields.flag()
        return cls(request_id=request_id, contract=contract, generic_ticks=ticks, snapshot=snapshot or regulatory)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalDataRequest:
    """reqHistoricalData; end is IB's text, empty for now."""

    request_id: int
    contract: ContractQuery
    end: str
    bar_size: str
    duration: str
    use_rth: bool
    what: str
    format_date: int
    keep_up_to_date: bool

    @classmethod
    def read(cls, fields: FieldReader) -> "HistoricalDataRequest":
        """Id, contract, expired flag, end, bar size, duration, RTH, what, format, keep up to date, options."""
        request_id, contract = fields.integer(), ContractQuery.read(fields)
        refuse_combo(contract)
        fields.flag()
        return cls(
            request_id=request_id,
            contract=contract,
            end=fields.text(),
            bar_size=fields.text(),
            duration=fields.text(),
            use_rth=fields.flag(),
            what=fields.text(),
            format_date=fields.integer(1),
            keep_up_to_date=fields.flag(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTimestampRequest:
    """reqHeadTimeStamp."""

    request_id: int
    contract: ContractQuery
    use_rth: bool
    what: str
    format_date: int

    @classmethod
    def read(cls, fields: FieldReader) -> "HeadTimestampRequest":
        """Id, contract, expired flag, RTH, what, format."""
        request_id, contract = fields.integer(), ContractQuery.read(fields)
        fields.flag()
        return cls(
            request_id=request_id,
            contract=contract,
            use_rth=fields.flag(),
            what=fields.text(),
            format_date=fields.integer(1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RealTimeBarsRequest:
    """reqRealTimeBars; seconds is always 5."""

    request_id: int
    contract: ContractQuery
    seconds: int
    what: str
    use_rth: bool

    @classmethod
    def read(cls, fields: FieldReader) -> "RealTimeBarsRequest":
        """Version, id, contract, seconds, what, RTH, options."""
        fields.skip()
        request_id, contract = fields.integer(), ContractQuery.read(fields)
        return cls(
            request_id=request_id,
            contract=contract,
            seconds=fields.integer(5),
            what=fields.text(),
            use_rth=fields.flag(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDetailsRequest:
    """reqContractDetails; sec_id is an ISIN where sec_id_type says so."""

    request_id: int
    contract: ContractQuery
    sec_id_type: str
    sec_id: str

    @classmethod
    def read(cls, fields: FieldReader) -> "ContractDetailsRequest":
        """Version, id, contract, expired flag, sec id type and value."""
        fields.skip()
        request_id, contract = fields.integer(), ContractQuery.read(fields)
        fields.flag()
        return cls(request_id=request_id, contract=contract, sec_id_type=fields.text(), sec_id=fields.text())


@dataclass(frozen=True, slots=True)
class MatchingRequest:
    """reqMatchingSymbols."""

    request_id: int
    pattern: str

    @classmethod
    def read(cls, fields: FieldReader) -> "MatchingRequest":
        """Id and pattern."""
        return cls(fields.integer(), fields.text())


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsHistoryRequest:
    """reqHistoricalNews; times are IB's text, empty where open."""

    request_id: int
    con_id: int
    providers: tuple[str, ...]
    start: str
    end: str
    limit: int

    @classmethod
    def read(cls, fields: FieldReader) -> "NewsHistoryRequest":
        """Id, con id, provider codes joined by +, start, end, limit, options."""
        request_id, con_id = fields.integer(), fields.integer(0)
        providers = split_codes(fields.text())
        return cls(
            request_id=request_id,
            con_id=con_id,
            providers=providers,
            start=fields.text(),
            end=fields.text(),
            limit=fields.integer(0),
        )


@dataclass(frozen=True, slots=True)
class ArticleRequest:
    """reqNewsArticle."""

    request_id: int
    provider: str
    article_id: str

    @classmethod
    def read(cls, fields: FieldReader) -> "ArticleRequest":
        """Id, provider, article id, options."""
        return cls(fields.integer(), fields.text(), fields.text())


@dataclass(frozen=True, slots=True)
class AccountSummaryRequest:
    """reqAccountSummary; one account has no groups."""

    request_id: int
    tags: frozenset[str]

    @classmethod
    def read(cls, fields: FieldReader) -> "AccountSummaryRequest":
        """Version, id, group, tags joined by commas."""
        fields.skip()
        request_id = fields.integer()
        fields.skip()
        return cls(request_id, split_tags(fields.text()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionsRequest:
    """reqExecutions with its filter; empty text and client id 0 are open.

    days: how many, today included; dates: YYYYMMDD, in place of days.
    """

    request_id: int
    client_id: int
    account: str
    time: str
    symbol: str
    sec_type: str
    exchange: str
    side: str
    days: int = 1
    dates: tuple[int, ...] = ()

    @classmethod
    def read(cls, fields: FieldReader, version: int) -> "ExecutionsRequest":
        """Version, id, filter; from 200 also a number of days and a list of dates."""
        fields.skip()
        request_id, client_id = fields.integer(), fields.integer(0)
        request = cls(
            request_id=request_id,
            client_id=client_id,
            account=fields.text(),
            time=fields.text(),
            symbol=fields.text(),
            sec_type=fields.text(),
            exchange=fields.text(),
            side=fields.text(),
        )
        if version < DAYS_OF_EXECUTIONS:
            return request
        days = days_asked(fields.integer(0))
        return replace(
            request, days=days, dates=tuple(fields.integer() for _ in range(min(fields.integer(0), MAX_LIST)))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TickByTickRequest:
    """reqTickByTickData; how many past ticks should come first is ignored, as if 0."""

    request_id: int
    contract: ContractQuery
    kind: str
    ignore_size: bool

    @classmethod
    def read(cls, fields: FieldReader) -> "TickByTickRequest":
        """Id, contract, kind, number of past ticks, ignore size."""
        request_id, contract, kind = fields.integer(), ContractQuery.read(fields), fields.text()
        fields.integer(0)
        return cls(request_id=request_id, contract=contract, kind=kind, ignore_size=fields.flag())


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalTicksRequest:
    """reqHistoricalTicks; start and end are IB's text, one of them empty."""

    request_id: int
    contract: ContractQuery
    start: str
    end: str
    count: int
    what: str
    use_rth: bool

    @classmethod
    def read(cls, fields: FieldReader) -> "HistoricalTicksRequest":
        """Id, contract, expired flag, start, end, count, what, RTH, ignore size, options."""
        request_id, contract = fields.integer(), ContractQuery.read(fields)
        fields.flag()
        return cls(
            request_id=request_id,
            contract=contract,
            start=fields.text(),
            end=fields.text(),
            count=fields.integer(0),
            what=fields.text(),
            use_rth=fields.flag(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerRequest:
    """reqScannerSubscription; prices in USD, volume in shares, None where open. Other filters are ignored."""

    request_id: int
    rows: int
    instrument: str
    location: str
    code: str
    above_price: float | None
    below_price: float | None
    above_volume: int | None

    @classmethod
    def read(cls, fields: FieldReader) -> "ScannerRequest":
        """Id, rows, instrument, location, code, prices, volume; the rest is not looked at."""
        return cls(
            request_id=fields.integer(),
            rows=fields.integer(-1),
            instrument=fields.text(),
            location=fields.text(),
            code=fields.text(),
            above_price=fields.number(),
            below_price=fields.number(),
            above_volume=fields.integer(0) or None,
        )


@dataclass(frozen=True, slots=True)
class ProfitRequest:
    """reqPnL, or reqPnLSingle where there is a con_id; model portfolios are not simulated."""

    request_id: int
    account: str
    con_id: int | None = None

    @classmethod
    def read(cls, fields: FieldReader, *, single: bool) -> "ProfitRequest":
        """Id, account, model, con id."""
        request_id, account = fields.integer(), fields.text()
        fields.skip()
        return cls(request_id, account, fields.integer() if single else None)


def days_asked(days: int) -> int:
    """A number of days as clients write it: unset and nonsense are today alone."""
    return days if 1 <= days <= MOST_DAYS else 1


def read_cancel_order(fields: FieldReader, version: int) -> int:
    """The order id of a cancelOrder."""
    if version < CME_TAGS:
        fields.skip()
    return fields.integer()


def split_codes(text: str) -> tuple[str, ...]:
    """Provider codes as clients join them."""
    return tuple(code for code in text.split("+") if code)


def split_tags(text: str) -> frozenset[str]:
    """Account tags as clients join them."""
    return frozenset(tag.strip() for tag in text.split(",") if tag.strip())


def refuse_combo(contract: ContractQuery) -> None:
    """WireError for a combination, which is not simulated."""
    if contract.sec_type == "BAG":
        raise WireError("combination contracts are not simulated")
