"""Rows of one Flex statement and the values in them; every refusal names the file, the line, the value and a remedy."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from momentum_kit.errors import InputError
from momentum_kit.plain_text import plain_text
from momentum_kit.storage.flex.document import FlexRow
from momentum_kit.storage.flex.values import date_of, moment_of, number_of, text_of

STOCK = "STK"
LABELS = {
    "symbol": "Symbol", "conid": "Conid", "dateTime": "Date/Time", "quantity": "Quantity", "tradePrice": "Trade Price",
    "ibCommission": "IB Commission", "ibCommissionCurrency": "IB Commission Currency", "taxes": "Taxes",
    "fifoPnlRealized": "Realized P/L", "ibExecID": "IB Execution ID", "tradeID": "Trade ID",
    "transactionType": "Transaction Type", "position": "Quantity", "taxAmount": "Tax Amount",
    "taxDescription": "Tax Description",
}  # fmt: skip
"""What the query's page calls a value."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexValues:
    """Reads the values of one account's rows. zone: of times that name none; day_first: of dates with slashes."""

    file: Path
    account: str
    day_first: bool
    zone: tzinfo

    def own(self, rows: Iterable[FlexRow]) -> list[FlexRow]:
        """Those of this account: a statement over several says whose each row is."""
        return [row for row in rows if self.text(row, "accountId", 40) in ("", self.account)]

    def need(self, section: str, row: FlexRow, names: Sequence[str]) -> None:
        """InputError where the query left out any of these values."""
        missing = [LABELS[name] for name in names if name not in row.values]
        if missing:
            raise InputError(
                f"{self.file}: {section} leaves out {', '.join(missing)}; in the query, select these fields too"
            )

    def text(self, row: FlexRow, name: str, most: int = 60) -> str:
        """Words; empty without any."""
        return plain_text(text_of(row.values.get(name, "")), most)

    def number(self, row: FlexRow, name: str) -> Decimal:
        """A number, exact."""
        return self._read(row, name, number_of)

    def con_id(self, row: FlexRow) -> int:
        """IB's number of the contract."""
        return self._read(row, "conid", _whole_number)

    def day(self, row: FlexRow, name: str) -> date | None:
        """A date; None without one."""
        return self.moment(row, name)[0] if text_of(row.values.get(name, "")) else None

    def moment(self, row: FlexRow, name: str) -> tuple[date, datetime | None]:
        """A date and its aware time; None where a date stands alone."""
        return self._read(row, name, lambda value: moment_of(value, day_first=self.day_first, zone=self.zone))

    def _read(self, row: FlexRow, name: str, reading: Callable[[str], _Value]) -> _Value:
        value = row.values.get(name, "")
        try:
            return reading(value)
        except ValueError as error:
            reason = str(error) if str(error).startswith("is ") else "cannot be read"
            raise InputError(
                f"{self.file}, line {row.line}: {name} of a {row.tag} {reason}: {plain_text(value, 40)!r}; "
                f"save the file as IB sends it"
            ) from None


def asset_class(row: FlexRow) -> str:
    """What is traded: the kit's stocks are STK; those in another currency are told apart."""
    named = plain_text(text_of(row.values.get("assetCategory", STOCK)), 20) or STOCK
    currency = plain_text(text_of(row.values.get("currency", "")), 10)
    return named if named != STOCK or currency in ("", "USD") else f"{named} in {currency}"


def is_day(value: str, day: date, *, day_first: bool) -> bool:
    """Whether a value is this very day."""
    try:
        return date_of(value, day_first=day_first) == day
    except ValueError:
        return False


def _whole_number(value: str) -> int:
    stripped = text_of(value)
    if not (stripped.isascii() and stripped.isdigit() and len(stripped) <= 15):
        raise ValueError("is no contract's number")
    return int(stripped)
