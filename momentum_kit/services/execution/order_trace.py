"""What the order desk leaves behind: rows of orders, their updates and notices, incidents, and words for a human."""

from collections.abc import MutableMapping

from momentum_kit.models import IncidentRow, NoticeRow, OrderNotice, OrderRequest, OrderRow, OrderUpdate, OrderUpdateRow
from momentum_kit.ports import Alerts, Clock, Journal
from momentum_kit.trading.orders import Bracket

_COUNTS = {"place": "orders", "modify": "modifies", "cancel": "cancels"}


class OrderTrace:
    """The journal, the counts and the alerts, as far as orders are concerned."""

    def __init__(self, journal: Journal, clock: Clock, counts: MutableMapping[str, int], alerts: Alerts) -> None:
        self._journal = journal
        self._clock = clock
        self._counts = counts
        self._alerts = alerts

    def order(
        self, bracket: Bracket, role: str, order: OrderRequest, change: str, decide_ms: float | None = None
    ) -> None:
        """One row for each message that went out; change: place, modify or cancel."""
        contract = bracket.intent.contract
        self._counts[_COUNTS[change]] = self._counts.get(_COUNTS[change], 0) + 1
        self._journal.write(
            OrderRow(
                at=self._clock.now(),
                intent_id=order.order_ref,
                item_id=bracket.intent.item_id,
                order_id=order.order_id,
                leg=role,
                symbol=contract.symbol,
                con_id=contract.con_id,
                action=order.action,
                order_type=order.order_type,
                quantity=order.quantity,
                limit_price=order.limit_price,
                stop_price=order.stop_price,
                tif=order.tif,
                change=change,
                decide_to_sent_ms=decide_ms,
            )
        )

    def update(self, update: OrderUpdate) -> None:
        """One orderStatus."""
        self._journal.write(
            OrderUpdateRow(
                at=self._clock.now(),
                order_id=update.order_id,
                perm_id=update.perm_id,
                status=update.status,
                filled=update.filled,
                remaining=update.remaining,
                avg_fill_price=update.avg_fill_price,
                why_held=update.why_held,
            )
        )

    def notice(self, notice: OrderNotice) -> None:
        """One error or warning on an order."""
        self._journal.write(
            NoticeRow(
                at=self._clock.now(),
                order_id=notice.order_id,
                code=notice.code,
                text=notice.text,
                meaning=notice.meaning,
                advice=notice.advice,
            )
        )

    def incident(self, kind: str, text: str) -> None:
        """Something out of the ordinary, for the record."""
        self._journal.write(IncidentRow(at=self._clock.now(), kind=kind, text=text))

    def alert(self, text: str) -> None:
        """A human must know now."""
        self._alerts.send("critical", text)

    def tell(self, bracket: Bracket, key: str, level: str, text: str) -> None:
        """Alert a human and record it, once for each key and bracket."""
        if key not in bracket.told:
            bracket.told.add(key)
            self._alerts.send(level, text)
            self.incident(key, text)
