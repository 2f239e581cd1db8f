"""One connected run: everything that lives exactly as long as one connection, from handshake to the last value."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from momentum_kit.bridge import events
from momentum_kit.bridge.canary_watch import watch_canary
from momentum_kit.bridge.codes import CodeTable
from momentum_kit.bridge.health import Canary, Health, LinkWatch
from momentum_kit.bridge.in_flight import InFlight
from momentum_kit.bridge.pacing import Outbox, Pacing
from momentum_kit.bridge.requests import Requests
from momentum_kit.bridge.router import Router
from momentum_kit.bridge.streams import (
    Feed,
    LatestBuffer,
    LosslessBuffer,
    MarketLine,
    NewsLine,
    OwnStreams,
    Subscriptions,
)
from momentum_kit.bridge.wire import ClientThread, Dispatcher
from momentum_kit.errors import BrokerError, ClientIdInUse, ConnectionFailed, NotConnected, RequestTimeout
from momentum_kit.models import (
    Bulletin,
    ConnectionHealth,
    Contract,
    Headline,
    HealthMove,
    LinkState,
    OpenOrder,
    Position,
)
from momentum_kit.ports import OrderEvent

log = logging.getLogger(__name__)

CLIENT_ID_IN_USE = 326


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What a session needs to know; times in wall seconds."""

    host: str
    port: int
    client_id: int
    now: Callable[[], datetime]
    connect_timeout_s: float
    request_timeout_s: float
    pacing: Pacing
    in_order: bool
    market_data_lines: int
    codes: CodeTable
    incident: Callable[[str, str], None]
    on_headline: Callable[[Headline], None]
    spill_dir: Path | None
    moves: deque[HealthMove]
    canary: Contract | None
    canary_ticks: Callable[[datetime], bool]

    @property
    def where(self) -> str:
        """The gateway's address, for a person."""
        return f"{self.host}:{self.port}"


class GatewaySession:
    """Wires the parts of one connection; opened once, closed once (more often does no harm)."""

    def __init__(self, options: SessionOptions) -> None:
        self.options = options
        self.loop = asyncio.get_running_loop()
        self.health = Health(options.incident, options.now, options.moves)
        self.outbox = Outbox(options.pacing.messages)
        self.in_flight = InFlight()
        self.requests = Requests(
            options.request_timeout_s,
            changed=self._changed,
            mark=lambda call: self.dispatcher.inbox.mark(events.Mark(call)),
            unclaimed=lambda values: self.router.unclaimed(values),
            stray=lambda name: self.router.stray_end(name),
        )
        self.lines = Subscriptions(
            subscribe=self._subscribe,
            cancel=partial(self.send_quietly, "cancelMktData"),
            next_id=self.requests.next_id,
            unreadable=lambda row: self.router.unreadable(row),
            moved=self.health.line_moved,
            incident=options.incident,
            now=options.now,
            market_data_lines=options.market_data_lines,
        )
        self.own_streams = OwnStreams(send=self.send, cancel=self.send_quietly, next_id=self.requests.next_id)
        self.router = Router(
            requests=self.requests,
            subscriptions=self.lines,
            own_streams=self.own_streams,
            decode=lambda frames: self.thread.client.decode_ticks(frames),
            outbox=self.outbox,
            health=self.health,
            codes=options.codes,
            incident=options.incident,
            on_headline=options.on_headline,
            on_fatal=self._fatal,
        )
        self.router.handlers[events.Accounts] = self._on_accounts
        self.router.handlers[events.NextOrderId] = self._on_next_order_id
        self._route_order, self.router.handlers[OpenOrder] = self.router.handlers[OpenOrder], self._on_open_order
        self.router.handlers[events.ConnectionEnded] = self._on_ended
        self.dispatcher = Dispatcher(
            route=self.router.route,
            in_order=(lambda _: True) if options.in_order else self.router.about_a_line,
            after_turn=self.lines.flush,
            quiet=self._quiet,
            now=options.now,
        )
        self.thread = ClientThread(
            (options.host, options.port, options.client_id), connect_timeout_s=options.connect_timeout_s,
            inbox=self.dispatcher.inbox,
        )  # fmt: skip
        self._watch = LinkWatch(heard=lambda: self.thread.heard, probe=self._probe, gone=self.cut, look=self._look)
        self._canary: Canary | None = None
        self._probing: asyncio.Task[tuple[Any, ...]] | None = None
        self.accounts: tuple[str, ...] = ()
        self.next_order_id = 0
        self._id_told = False
        self._closing = False  # we want it to end
        self._over = False  # it has ended
        self._ready: asyncio.Future[None] = self.loop.create_future()
        # kept from the first on: the first reader must not miss what was said before it came
        self.early_orders: Feed[OrderEvent] | None = self.order_feed()
        self.early_positions: Feed[Position] | None = self.position_feed()

    # -- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and wait until accounts and the next order id are known. ConnectionFailed: nothing is left."""
        self.thread.start()
        limit_s = self.options.connect_timeout_s
        try:
            async with asyncio.timeout(limit_s + 1.0):  # the thread, which knows more, gives up first
                await self._ready
        except TimeoutError:
            await self.close()
            raise ConnectionFailed(
                f"{self.options.where} took the connection but named no account and order id within {limit_s:g} s"
            ) from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the connection; readers get what was received, then the end. Joins the thread."""
        self._closing = True
        self._watch.stop()
        self.outbox.close(NotConnected("disconnected"))
        await self.thread.stop()
        self.dispatcher.finish()
        for unread in (self.early_orders, self.early_positions):
            if unread is not None:
                unread.close()

    async def applied(self) -> None:
        """Return when all that has been received is handled; NotConnected if the connection ends before."""
        done: asyncio.Future[None] = self.loop.create_future()
        if not self._over:
            self.dispatcher.inbox.mark(events.Applied(partial(_tell, done)))
            await done

    def send(
        self, request: str, *args: Any, urgent: bool = False, at_hand_over: Callable[[], None] | None = None
    ) -> "asyncio.Future[None]":
        """Hand one request to the socket, within the message rate; the future carries its failure.

        at_hand_over: called right before the bytes go.
        """
        if self._over or self._closing:
            raise NotConnected(f"{request}: not connected to {self.options.where}")

        def hand_over() -> None:
            self.requests.held_back.handed_over += 1
            if at_hand_over is not None:
                at_hand_over()
            self.thread.client.call(request, *args)

        return self.outbox.post(hand_over, urgent=urgent)

    def send_quietly(self, request: str, *args: Any) -> None:
        """Send what nobody waits for, such as the cancel of a subscription."""
        with contextlib.suppress(NotConnected):
            self.send(request, *args).add_done_callback(_look_at)

    def state(self, stale_after_s: float) -> ConnectionHealth:
        """All four layers, frozen; a line without a tick for so long is stale."""
        (messages, message_s), (history, history_s) = self.outbox.waiting, self.options.pacing.history.waiting
        return replace(
            self.health.snapshot(self.lines.states.by_con_id(), self.lines.states.stale(stale_after_s)),
            waiting=messages + history,
            waiting_s=max(message_s, history_s),
        )

    # -- streams ------------------------------------------------------------------------------------------------------

    def order_feed(self) -> Feed[OrderEvent]:
        """A feed of every order event from now on."""
        return self._open_feed("order events", self.router.order_feeds)

    def position_feed(self) -> Feed[Position]:
        """A feed of every position row from now on."""
        return self._open_feed("positions", self.router.position_feeds)

    def line_feed(self, buffer: Any) -> Feed[Any]:
        """A feed for one or more lines."""
        return Feed(buffer, self.lines.drop, self._changed)

    def own_feed(self, name: str) -> Feed[Any]:
        """A feed for a stream with a request of its own; nothing of it is dropped."""
        return Feed(self.lossless(name), self.own_streams.drop, self._changed)

    def bulletin_feed(self) -> Feed[Bulletin]:
        """A feed of every bulletin; the first one subscribes and the last one leaves."""
        feeds = self.router.bulletin_feeds

        def leave(feed: Feed[Bulletin]) -> None:
            feeds.remove(feed)
            if not feeds:
                self.send_quietly("cancelNewsBulletins")

        feed: Feed[Bulletin] = Feed(self.lossless("bulletins"), leave, self._changed)
        feeds.append(feed)
        if len(feeds) == 1:
            self.send_quietly("reqNewsBulletins", True)  # True: those of today first
        return feed

    def lossless(self, name: str) -> LosslessBuffer[Any]:
        """A buffer that loses nothing."""
        return LosslessBuffer(name, folder=self.options.spill_dir, alarm=self.options.incident)

    def _open_feed(self, name: str, feeds: list[Feed[Any]]) -> Feed[Any]:
        feed: Feed[Any] = Feed(self.lossless(name), feeds.remove, self._changed)
        feeds.append(feed)
        return feed

    # -- parts' questions ---------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self.dispatcher.changed()

    def _quiet(self) -> bool:
        if self.requests.active or not self.outbox.empty:  # most often; lock-step asks some ten times a step
            return False
        early = (self.early_orders, self.early_positions)  # nobody reads them yet
        read = [*(feed for feed in self.router.account_feeds if feed not in early), *self.lines.feeds]
        read += [*self.own_streams.feeds, *self.router.bulletin_feeds]
        return all(feed.idle for feed in read)

    @property
    def waits_in_vain(self) -> bool:
        """Nothing is on its way in or out, and every answer that is awaited is known to be held back."""
        return self.dispatcher.delivered and self.outbox.empty and self.requests.stuck

    def _subscribe(self, line: MarketLine | NewsLine) -> None:
        req_id = line.req_id
        sent = self.send("reqMktData", req_id, line.ib_contract, line.ticks, False, False, [])

        def check(done: "asyncio.Future[None]") -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None:
                self.lines.fail(req_id, error if isinstance(error, BrokerError) else BrokerError(str(error)))

        sent.add_done_callback(check)

    # -- what only a session handles ----------------------------------------------------------------------------------

    def _on_accounts(self, accounts: events.Accounts) -> None:
        self.accounts = accounts.names
        self._check_ready()

    def _on_next_order_id(self, value: events.NextOrderId) -> None:
        if value.order_id >= events.FIRST_REQUEST_ID:
            self._fail_ready(
                ConnectionFailed(
                    f"{self.options.where} is at order id {value.order_id}, beyond what this kit can tell from request "
                    "ids; reset the API order id sequence in the gateway's settings"
                )
            )
        self.next_order_id = max(self.next_order_id, value.order_id)
        self._id_told = True
        self._check_ready()

    def _on_open_order(self, order: OpenOrder) -> None:
        """Ids may begin anew while orders work; an order sent under the id of one of those would change it."""
        if order.client_id == self.options.client_id:
            self.next_order_id = max(self.next_order_id, order.request.order_id + 1)
        self._route_order(order)

    def _check_ready(self) -> None:
        if self.accounts and self._id_told and not self._ready.done():
            self.health.connected(self.thread.client.serverVersion())
            self._ready.set_result(None)
            if not self.options.in_order:  # there the market's steps are time, and nothing is asked beside them
                self._watch.start()

    def _fail_ready(self, error: BrokerError) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)

    def _fatal(self, code: int, text: str, advice: str) -> None:
        if not self._ready.done():
            reason = f"{text} ({code})" + (f"; {advice}" if advice else "")
            if code == CLIENT_ID_IN_USE:
                words = f"client id {self.options.client_id} is in use at {self.options.where}; {advice}"
                self._fail_ready(ClientIdInUse(words))
            self._fail_ready(ConnectionFailed(reason))
        else:
            self.options.incident("connection", f"{text} ({code}); {advice}")
        self.cut("")

    def cut(self, why: str) -> None:
        """End the connection now, from any thread, because of what is known here."""
        connection = self.thread.client.connection
        if connection is not None:
            connection.failure = connection.failure or why
            connection.abort()

    def _probe(self) -> None:
        if self._probing is None or self._probing.done():
            asked = self.requests.ask_by_name(
                events.CURRENT_TIME, lambda sent: self.send("reqCurrentTime", urgent=True, at_hand_over=sent)
            )
            self._probing = self.loop.create_task(asked, name="probe")
            self._probing.add_done_callback(_look_at)

    def _look(self) -> None:
        if self.health.broker is LinkState.UP:
            self.lines.look_after()
            if self._canary is None and self.options.canary is not None:
                self._canary = self._watch_canary(
                    self.options.canary
                )  # what the session itself asks at first goes first
            elif self._canary is not None:
                self._canary.look(time.perf_counter_ns())

    def _watch_canary(self, contract: Contract) -> Canary:
        self.lines.add_witness(contract, self.line_feed(LatestBuffer()))
        return watch_canary(
            contract,
            lines=self.lines,
            health=self.health,
            follow=self.router.follow,
            probe=self._probe,
            expected=lambda: self.options.canary_ticks(self.options.now()),
        )

    def _on_ended(self, ended: events.ConnectionEnded) -> None:
        self._over = True
        self._watch.stop()
        reason = "disconnected" if self._closing else str(ended.error)
        early = ConnectionFailed(f"{self.options.where} ended the connection before it was ready: {reason}")
        self._fail_ready(ended.error if isinstance(ended.error, ConnectionFailed) else early)
        self.health.disconnected(reason, expected=self._closing)
        self.requests.fail_all(reason)
        self.outbox.close(NotConnected(reason))
        last_word = None if self._closing else NotConnected(reason)
        self.lines.end_all(last_word)
        self.own_streams.end_all(last_word)
        for feed in (*self.router.account_feeds, *self.router.bulletin_feeds):
            feed.end(last_word)
        self.dispatcher.changed()


def _tell(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def _look_at(done: "asyncio.Future[Any]") -> None:
    """A cancel that could not be sent, or a probe, is worth a line in the log and nothing else."""
    error = None if done.cancelled() else done.exception()
    if error is not None:
        level = logging.DEBUG if isinstance(error, (NotConnected, RequestTimeout)) else logging.WARNING
        log.log(level, "not sent: %s", error)
