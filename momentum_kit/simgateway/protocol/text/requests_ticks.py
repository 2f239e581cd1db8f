"""Requests for single ticks and scans: their values, and how their text fields are read."""

from dataclasses import dataclass

from momentum_kit.simgateway.protocol.text.requests import ContractQuery
from momentum_kit.simgateway.protocol.wire import FieldReader


@dataclass(frozen=True, slots=True)
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
        return cls(request_id, contract, kind, fields.flag())


@dataclass(frozen=True, slots=True)
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
        start, end, count = fields.text(), fields.text(), fields.integer(0)
        return cls(request_id, contract, start, end, count, fields.text(), fields.flag())


@dataclass(frozen=True, slots=True)
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
        request_id, rows = fields.integer(), fields.integer(-1)
        instrument, location, code = fields.text(), fields.text(), fields.text()
        above, below, volume = fields.number(), fields.number(), fields.integer(0)
        return cls(request_id, rows, instrument, location, code, above, below, volume or None)
