"""Headlines, executions and listings <-> rows of their Parquet tables, and which of two versions of a row is better."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from momentum_kit.models import CommissionReport, Contract, Execution, Fill, Headline, HeadlinePhase, OrderAction
from momentum_kit.sessions import NEW_YORK
from momentum_kit.storage.archive.rows import Provenance, Span

if TYPE_CHECKING:
    import pyarrow as pa

CONTRACT = tuple(field.name for field in fields(Contract))
Coverage = Mapping[tuple[int, str], tuple[Span, ...]]
"""Which times were asked for, by con_id and provider: outside them the absence of a headline means nothing."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One line of a symbol master: what the broker, or whoever the source is, listed on a day."""

    symbol: str
    con_id: int
    name: str
    primary_exchange: str = ""
    currency: str = "USD"
    sec_type: str = "STK"
    stock_type: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""

    @property
    def contract(self) -> Contract:
        """The instrument, routed by SMART."""
        return Contract(
            self.symbol,
            self.con_id,
            sec_type=self.sec_type,
            currency=self.currency,
            primary_exchange=self.primary_exchange,
        )


@dataclass(frozen=True, slots=True)
class DatedMaster:
    """The symbol master as it was on `day`."""

    day: date
    listings: tuple[Listing, ...]
    source: str

    def names(self) -> dict[str, str]:
        """Company name by symbol, as detection's SymbolMaster takes it."""
        return {listing.symbol: listing.name for listing in self.listings}


def headline_row(line: Headline, origin: Provenance) -> Row:
    """A headline as stored; without a contract its fields are null."""
    contract = asdict(line.contract) if line.contract else dict.fromkeys(CONTRACT)
    return {
        "provider": line.provider,
        "article_id": line.article_id,
        "text": line.text,
        "published_at": line.published_at,
        "received_at": line.received_at,
        "extra": line.extra,
        "phase": line.phase.value,
        **contract,
        "body": line.body or None,
        "source": origin.source,
        "imported_at": origin.imported_at,
    }


def headline_of(row: Row) -> Headline:
    """A stored headline."""
    contract = Contract(**{name: row[name] for name in CONTRACT}) if row["symbol"] is not None else None
    return Headline(
        provider=row["provider"],
        article_id=row["article_id"],
        text=row["text"],
        published_at=_utc(row["published_at"]),
        received_at=_utc(row["received_at"]) if row["received_at"] else None,
        extra=row["extra"],
        contract=contract,
        phase=HeadlinePhase(row["phase"]),
        body=row.get("body") or "",  # an older file has no such column
    )


def headline_key(row: Row) -> tuple[str, str, str, int]:
    """What makes two rows the same headline."""
    return row["provider"], row["article_id"], row["symbol"] or "", row["con_id"] or 0


def better_headline(known: Row, fresh: Row) -> Row:
    """The row that knows when it was received, or knows it earlier, with the article of whichever has one."""
    received, before = fresh["received_at"], known["received_at"]
    better = received is not None and (before is None or received < before)
    return (fresh if better else known) | {"body": known.get("body") or fresh["body"]}


@cache
def headline_schema() -> "pa.Schema":
    """Columns of the headlines table."""
    import pyarrow as pa

    stamp, text = pa.timestamp("us", tz="UTC"), pa.string()
    types = {"published_at": stamp, "received_at": stamp, "imported_at": stamp, "con_id": pa.int64()}
    names = ("provider", "article_id", "text", "published_at", "received_at", "extra", "phase", *CONTRACT)
    return pa.schema([(name, types.get(name, text)) for name in (*names, "body", "source", "imported_at")])


def fill_row(fill: Fill, origin: Provenance) -> Row:
    """An execution with its commission as stored; shares are text, for Decimals survive only there."""
    row = {name: getattr(fill.execution, name) for name in (each.name for each in fields(Execution))}
    commission = fill.commission
    return {
        **{name: value for name, value in row.items() if name not in ("contract", "from_request")},
        **asdict(fill.execution.contract),
        "execution_exchange": row["exchange"],
        "side": row["side"].value,
        "shares": str(row["shares"]),
        "cumulative_shares": str(row["cumulative_shares"]),
        "commission_usd": commission.commission_usd if commission else None,
        "commission_currency": commission.currency if commission else None,
        "realized_pnl_usd": commission.realized_pnl_usd if commission else None,
        "source": origin.source,
        "imported_at": origin.imported_at,
    }


def fill_of(row: Row) -> Fill:
    """A stored execution."""
    taken = {each.name: row[each.name] for each in fields(Execution) if each.name in row}
    execution = Execution(
        **{
            **taken,
            "contract": Contract(**{name: row[name] for name in CONTRACT}),
            "exchange": row["execution_exchange"],
            "side": OrderAction(row["side"]),
            "shares": Decimal(row["shares"]),
            "cumulative_shares": Decimal(row["cumulative_shares"]),
            "time": _utc(row["time"]),
            "received_at": _utc(row["received_at"]),
        }
    )
    if row["commission_usd"] is None:
        return Fill(execution)
    report = CommissionReport(
        exec_id=execution.exec_id,
        commission_usd=row["commission_usd"],
        currency=row["commission_currency"],
        realized_pnl_usd=row["realized_pnl_usd"],
    )
    return Fill(execution, report)


def better_fill(known: Fill, fresh: Fill) -> Fill:
    """The highest correction; a commission that one of them knows is kept."""
    later = fresh if fresh.execution.correction > known.execution.correction else known
    return Fill(later.execution, later.commission or fresh.commission or known.commission)


@cache
def fill_schema() -> "pa.Schema":
    """Columns of the executions table."""
    import pyarrow as pa

    stamp = pa.timestamp("us", tz="UTC")
    whole = dict.fromkeys(("order_id", "perm_id", "client_id", "con_id"), pa.int64())
    real = dict.fromkeys(("price", "average_price", "commission_usd", "realized_pnl_usd"), pa.float64())
    stamps = dict.fromkeys(("time", "received_at", "imported_at"), stamp)
    types = {**whole, **real, **stamps, "liquidation": pa.bool_()}
    own = [each.name for each in fields(Execution) if each.name not in ("contract", "from_request", "exchange")]
    costs = ("commission_usd", "commission_currency", "realized_pnl_usd", "source", "imported_at")
    return pa.schema([(name, types.get(name, pa.string())) for name in (*own, "execution_exchange", *CONTRACT, *costs)])


@cache
def listing_schema() -> "pa.Schema":
    """Columns of a symbol master."""
    import pyarrow as pa

    return pa.schema([(each.name, pa.int64() if each.name == "con_id" else pa.string()) for each in fields(Listing)])


def joined_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in time order, those that touch or overlap made one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def spans_by_month(coverage: Coverage) -> dict[str, dict[tuple[int, str], tuple[Span, ...]]]:
    """Coverage cut at New York's months."""
    months: dict[str, dict[tuple[int, str], tuple[Span, ...]]] = {}
    for key, spans in coverage.items():
        for start, end in spans:
            while start < end:
                local = start.astimezone(NEW_YORK)
                after = (local.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(
                    day=1
                )
                cut = min(end, after.astimezone(UTC))
                month = months.setdefault(f"{local:%Y-%m}", {})
                month[key] = (*month.get(key, ()), (start, cut))
                start = cut
    return months


def coverage_text(coverage: Coverage) -> dict[str, list[list[str]]]:
    """Coverage as JSON takes it."""
    return {
        f"{con_id} {provider}": [[at.isoformat() for at in span] for span in spans]
        for (con_id, provider), spans in sorted(coverage.items())
    }


def coverage_of(footer: Row) -> dict[tuple[int, str], tuple[Span, ...]]:
    """Coverage from a file's footer."""
    found: dict[tuple[int, str], tuple[Span, ...]] = {}
    for key, spans in footer.get("coverage", {}).items():
        con_id, _, provider = key.partition(" ")
        found[int(con_id), provider] = tuple(
            (datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in spans
        )
    return found


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)  # Arrow hands out a zone of its own that compares equal and prints differently
