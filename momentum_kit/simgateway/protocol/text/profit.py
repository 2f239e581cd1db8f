"""Profit and loss of the account and of single holdings: the requests and their answers."""

from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.simgateway.events import Profit
from momentum_kit.simgateway.protocol.text.session import Reply
from momentum_kit.simgateway.protocol.twins import SCANNER, protobuf_from
from momentum_kit.simgateway.protocol.wire import FieldReader, message


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


@protobuf_from(SCANNER)
def pnl(version: int, request_id: int, profit: Profit) -> bytes:
    """The account's profit and loss, USD."""
    return message(version, Reply.PNL, request_id, *profit)


@protobuf_from(SCANNER)
def pnl_single(version: int, request_id: int, quantity: Decimal, profit: Profit, value: float) -> bytes:
    """A holding's profit and loss and its value, USD."""
    return message(version, Reply.PNL_SINGLE, request_id, quantity, *profit, value)
