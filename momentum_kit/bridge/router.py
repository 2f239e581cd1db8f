"""Where each value from the ibapi thread goes: a request's future, a stream, health, or a person."""

from collections.abc import Callable
from typing import Any

from momentum_kit.bridge import events
from momentum_kit.bridge.codes import Action, CodeTable, CodeVerdict, Meaning
from momentum_kit.bridge.health import Consequence, Health
from momentum_kit.bridge.pacing import Outbox
from momentum_kit.bridge.requests import Requests
from momentum_kit.bridge.streams import FARM_GRACE_S, Feed, OwnStreams, Subscriptions
from momentum_kit.errors import NoData, PacingViolation, RequestFailed
from momentum_kit.models import (
    Bulletin,
    CommissionReport,
    Execution,
    Headline,
    MarketDataType,
    OpenOrder,
    OrderNotice,
    OrderUpdate,
    Position,
)
from momentum_kit.ports import OrderEvent

_SLOW_DOWN_S = 1.0
_IN_ORDER = frozenset({events.Ticks, events.DataType, events.Applied, events.ConnectionEnded})
_ERRORS = {Action.NO_DATA: NoData, Action.PACING: PacingViolation}


class Router:
    """Routes by type. The parts are those of one connection.

    order_feeds get every order event in order, position_feeds every position row.

    on_headline: the push form of the headline streams. on_fatal(code, text, advice): this socket is over.
    """

    def __init__(
        self,
        *,
        requests: Requests,
        subscriptions: Subscriptions,
        own_streams: OwnStreams,
        decode: Callable[[bytes], tuple[list[events.Update], list[Any]]],
        outbox: Outbox,
        health: Health,
        codes: CodeTable,
        incident: Callable[[str, str], None],
        on_headline: Callable[[Headline], None],
        on_fatal: Callable[[int, str, str], None],
    ) -> None:
        self._requests = requests
        self._lines = subscriptions
        self._own = own_streams
        self._decode = decode
        self._outbox = outbox
        self._health = health
        self._codes = codes
        self._incident = incident
        self._on_headline = on_headline
        self._on_fatal = on_fatal
        self.order_feeds: list[Feed[OrderEvent]] = []
        self.position_feeds: list[Feed[Position]] = []
        self.bulletin_feeds: list[Feed[Bulletin]] = []
        self._caveats: set[str] = set()
        self._unknown: set[int] = set()  # codes that a person has been told of
        self.handlers: dict[type, Callable[[Any], None]] = {
            events.Ticks: self._ticks,
            events.Tick: lambda tick: self.unreadable(events.Unreadable("tick", "not as ticks begin", repr(tick))),
            events.DataType: subscriptions.data_type,
            events.NewsTick: self._news,
            events.StreamRow: lambda row: own_streams.put(row.req_id, row.value),
            Bulletin: self._bulletin,
            events.Answer: self._answer,
            events.Notice: self._notice,
            events.Unreadable: self.unreadable,
            events.Caveat: self._caveat,
            events.Mark: lambda mark: mark.call(),
            events.Applied: lambda mark: mark.call(),
            OpenOrder: self._open_order,
            OrderUpdate: self._open_order,
            Execution: self._order_event,
            CommissionReport: self._order_event,
            Position: self._position,
        }

    @property
    def account_feeds(self) -> list[Feed[Any]]:
        """Every reader of orders or positions."""
        return [*self.order_feeds, *self.position_feeds]

    def route(self, value: Any) -> None:
        """Handle one value."""
        self.handlers[type(value)](value)

    def about_a_line(self, value: Any) -> bool:
        """It must not overtake the ticks of the line that it is about, nor of any line if it is the end."""
        kind = type(value)
        return kind in _IN_ORDER or (kind is events.Notice and self._lines.has(value.id))

    def _ticks(self, received: events.Ticks) -> None:
        ticks, others = self._decode(received.frames)
        self._lines.ticks(ticks, received[1:])
        for value in others:
            self.route(value)

    def _news(self, tick: events.NewsTick) -> None:
        headline = self._lines.headline(tick)
        if headline is not None:
            self._on_headline(headline)

    def _answer(self, answer: events.Answer) -> None:
        if not self._requests.answer(answer):
            self.unclaimed(answer.values)

    def unclaimed(self, values: tuple[Any, ...]) -> None:
        """What no answer took: executions are never dropped, however late they are or whatever came with them."""
        for value in values:
            if isinstance(value, Execution):
                self._order_event(value)

    def stray_end(self, name: str) -> None:
        """The answer before it may not have been whole."""
        self._incident("stray end", f"{name}: an End that no request of ours is owed; ask again before concluding")

    def _open_order(self, event: OpenOrder | OrderUpdate) -> None:
        self._requests.answer(events.Answer(events.OPEN_ORDERS, (event,), False))
        self._order_event(event)

    def _order_event(self, event: OrderEvent) -> None:
        for feed in self.order_feeds:
            feed.put(event)

    def _position(self, row: Position) -> None:
        self._requests.answer(events.Answer(events.POSITIONS, (row,), False))
        for feed in self.position_feeds:
            feed.put(row)

    def _bulletin(self, bulletin: Bulletin) -> None:
        for feed in self.bulletin_feeds:
            feed.put(bulletin)

    def unreadable(self, row: events.Unreadable) -> None:
        """Told to a person, and to the answer that it is a row of."""
        self._incident("unreadable", f"{row.what}: {row.why} in {row.row}"[:500])
        self._requests.spoil(row)

    def _caveat(self, caveat: events.Caveat) -> None:
        if caveat.text not in self._caveats:  # the same row comes with every answer
            self._caveats.add(caveat.text)
            self._incident("unreadable", caveat.text[:500])

    # -- error() ------------------------------------------------------------------------------------------------------

    def _notice(self, notice: events.Notice) -> None:
        if notice.id >= events.FIRST_REQUEST_ID:
            self._about_request(notice, self._judge(notice, self._codes.verdict(notice.code, "request", notice.text)))
        elif notice.id > 0 and self._requests.waits_for(notice.id):  # of a what-if order, which nobody follows
            verdict = self._judge(notice, self._codes.verdict(notice.code, "order", notice.text))
            if verdict.meaning in (Meaning.WARNING, Meaning.INFO, Meaning.DATA_ADVISORY):
                self._requests.remark(notice.id, f"{notice.text} ({notice.code})")
            else:
                self._requests.fail(notice.id, RequestFailed(notice.code, notice.text, verdict.advice))
        elif notice.id > 0:
            verdict = self._judge(notice, self._codes.verdict(notice.code, "order", notice.text))
            self._order_event(
                OrderNotice(
                    order_id=notice.id,
                    code=notice.code,
                    text=notice.text,
                    meaning=verdict.meaning.value,
                    received_at=notice.received_at,
                    advice=verdict.advice,
                )
            )
        else:
            self._about_connection(
                notice, self._judge(notice, self._codes.verdict(notice.code, "connection", notice.text))
            )

    def _judge(self, notice: events.Notice, verdict: CodeVerdict) -> CodeVerdict:
        """What holds for a code wherever it appears."""
        self.follow(self._health.hear(verdict.action, notice.code, notice.text), f"{notice.text} ({notice.code})")
        if verdict.action is Action.CONFLICT:
            self._lines.states.taken(notice.id, notice.text)
        if verdict.meaning is Meaning.UNKNOWN and notice.code not in self._unknown:
            self._unknown.add(notice.code)
            about = self._about(notice.id)
            self._incident("unknown code", f"{notice.code} ({about}): {notice.text}; {verdict.advice}")
        if verdict.action in (Action.SLOW_DOWN, Action.PACING):
            self._outbox.pause(_SLOW_DOWN_S)
            self._incident("pacing", f"{notice.text} ({notice.code})")
        return verdict

    def follow(self, consequence: Consequence, why: str) -> None:
        """What a move of link or farm means for the lines."""
        match consequence:
            case Consequence.DOUBT_ALL:
                self._lines.states.doubt_all(why, FARM_GRACE_S)
            case Consequence.FRESH_TICK:
                self._lines.states.doubt_all(why)
            case Consequence.ASK_SILENT:
                self._lines.ask_silent()
            case Consequence.ASK_ALL:
                self._lines.ask_again_all()
                self._own.ask_again_all()

    def _about(self, about: int) -> str:
        return self._requests.what(about) or self._lines.what(about) or self._own.what(about) or f"id {about}"

    def _about_request(self, notice: events.Notice, verdict: CodeVerdict) -> None:
        action = verdict.action
        if action is Action.RESUBSCRIBE and self._lines.has(notice.id):
            self._lines.ask_again(notice.id)
        elif action is Action.RESUBSCRIBE and self._own.has(notice.id):
            self._own.ask_again(notice.id)
        elif action in (Action.NO_DATA, Action.PACING, Action.FAIL, Action.RESUBSCRIBE):
            error = _ERRORS.get(action, RequestFailed)(notice.code, notice.text, verdict.advice)
            self._requests.fail(notice.id, error)
            if self._lines.has(notice.id):
                self._incident("subscription", f"{self._about(notice.id)}: {error}")
                self._lines.fail(notice.id, error)
            self._own.fail(notice.id, error)
        elif action in (Action.MARK_DELAYED, Action.CONFLICT) and self._own.has(notice.id):  # live or nothing
            error = RequestFailed(notice.code, notice.text, verdict.advice)
            self._own.fail(notice.id, error, cancel=action is Action.CONFLICT)
        else:
            if verdict.meaning is Meaning.DATA_ADVISORY:
                about = self._about(notice.id)
                self._incident("subscription", f"{about}: {notice.text} ({notice.code}); {verdict.advice}")
            if action is Action.MARK_DELAYED:
                self._lines.data_type(events.DataType(notice.id, MarketDataType.DELAYED))
            else:
                self._requests.remark(notice.id, f"{notice.text} ({notice.code})")

    def _about_connection(self, notice: events.Notice, verdict: CodeVerdict) -> None:
        if verdict.action is Action.DISCONNECT:
            self._on_fatal(notice.code, notice.text, verdict.advice)
