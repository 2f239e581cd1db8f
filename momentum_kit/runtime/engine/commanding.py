"""What a human commands, as the engine obeys it: restrictions, ways out, the close of one symbol; each is journaled."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from momentum_kit.errors import GuardRefused, InputError, StorageError
from momentum_kit.models import CommandRow, TradingState, canonical_symbol
from momentum_kit.runtime.control import COMMANDS, OF_A_SYMBOL, WIND_DOWNS, refusal
from momentum_kit.runtime.engine.flatten_deadline import FlattenDeadline
from momentum_kit.runtime.engine.restrictions import Restrictions
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.session import EngineContext, Session


class Course:
    """How far a session has come: the engine and its commands move it on together."""

    def __init__(self, deadline: FlattenDeadline) -> None:
        self.started = False  # it was told to trade
        self.until: datetime | None = None  # market time of its end
        self.begun = asyncio.Event()  # its services are wanted, to trade or to get out; or nothing is any more
        self.over = False  # ended before it had begun
        self.ended = asyncio.Event()
        self.deadline = deadline


class Commanding:
    """Obeys commands. session: the connected run of the moment. disk_full: the journal cannot be written."""

    def __init__(
        self,
        context: EngineContext,
        *,
        course: Course,
        session_state: SessionState,
        restrictions: Restrictions,
        session: Callable[[], Session],
        disk_full: Callable[[], bool],
    ) -> None:
        self._context = context
        self._course = course
        self._session_state = session_state
        self._restrictions = restrictions
        self._session = session
        self._disk_full = disk_full
        self._closing: dict[str, str] = {}  # symbol to why it shall go, until it is gone

    async def obey(self, name: str, source: str, symbol: str = "") -> str:
        """One of COMMANDS or of OF_A_SYMBOL; one line for the human, or InputError, or GuardRefused with the reason."""
        if name in OF_A_SYMBOL:
            return self._of_a_symbol(name, source, canonical_symbol(symbol))
        if name not in COMMANDS:
            raise InputError(f"unknown command {name!r}; known: {', '.join((*COMMANDS, *OF_A_SYMBOL))}")
        self._admit(name, source, self._refusal(name))
        session_state = self._session_state
        if name in WIND_DOWNS:
            await self.wind_down(name, source)
        elif name == "resume":
            await self._resume(source)
        else:
            if session_state.state is not TradingState.FLATTENING:  # which lets in nothing either, and goes on
                state = TradingState.PAUSED if name == "pause" else TradingState.REDUCE_ONLY
                session_state.note(state, f"{name} by {source}")
            await self._restrictions.impose(name, source, self._session().cancel_entries())
        return f"{session_state.state}: {session_state.reason}"

    async def _resume(self, source: str) -> None:
        """Entries again, unless a human forbade them while the disk was asked: the later word counts."""
        if no := await self._restrictions.lift(lambda: self._refusal("resume")):
            self._admit("resume", source, no)
        self._course.deadline.abandon()
        self._session_state.note(TradingState.RUNNING, f"resumed by {source}")

    async def wind_down(self, name: str, source: str) -> None:
        """flatten, stop and kill leave no entry working and every position on its way out."""
        session_state, deadline = self._session_state, self._course.deadline
        if session_state.state is TradingState.KILLED:  # a human says that the kill shall end, flat or not
            session_state.note(TradingState.KILLED, f"{session_state.reason}; {name} by {source}")
            deadline.take("kill", bounded=True)
        else:
            session_state.note(WIND_DOWNS[name], f"{name} by {source}")
            deadline.take("session end" if name == "stop" else name, bounded=name == "stop")
        if name == "kill":
            self._session_state.send("critical", f"killed by {source}; {self._session().exposure}")
        if name == "stop":
            await self._get_out(name)
        else:
            await self._restrictions.impose(name, source, self._get_out(name))
        if name == "flatten" and not deadline.why:
            self._restrictions.flat()

    async def pursue(self) -> bool:
        """Between two beats: ask again for what was commanded and is not done; True where a way out has ended.

        Also for what filled in the meantime, or came back with a new connection.
        """
        session, deadline = self._session(), self._course.deadline
        for symbol, reason in tuple(self._closing.items()):
            if not session.close_symbol(symbol, reason):
                del self._closing[symbol]
        if not deadline.why:
            return False
        await self._leave()
        flat = session.surely_flat()
        deadline.look({} if flat else session.waits)
        over = flat or self.out_of_time()
        if self._session_state.state is TradingState.FLATTENING and flat:
            deadline.abandon()
            self._session_state.note(TradingState.REDUCE_ONLY, "flat; entries stay off until resume")
            self._restrictions.flat()
        return over

    def out_of_time(self) -> bool:
        """A stop takes longer than it may; told once."""
        deadline = self._course.deadline
        if deadline.first_late():
            words = f"not flat after {deadline.seconds:.0f} s: {self._session().exposure}"
            self._session_state.call(f"{deadline.why} not done", words)
        return deadline.late

    @property
    def must_go_on(self) -> bool:
        """A flatten or a kill is not done: nothing but a human ends it before it is."""
        deadline = self._course.deadline
        return bool(deadline.why) and not deadline.bounded and self.anything_left

    async def leave_word(self) -> None:
        """A session that ran out of time with something left: no entries in the next one before a human has looked."""
        if self._course.deadline.late and self.anything_left:
            await self._restrictions.impose("reduce_only", "a session that was not flat at its end", asyncio.sleep(0))

    @property
    def anything_left(self) -> bool:
        """True where something of ours may live at the broker, as far as is known before the services run."""
        try:
            return self._session().exposed or bool(self._context.intents.unresolved())
        except StorageError:
            return True

    def record(self, name: str, source: str, outcome: str) -> None:
        """Journal what was commanded and what became of it."""
        row = CommandRow(at=self._context.clock.now(), command=name, source=source, outcome=outcome)
        self._context.journal.write(row)

    def _of_a_symbol(self, name: str, source: str, symbol: str) -> str:
        if not symbol:
            raise InputError(f"{name} needs the symbol that it is for")
        if name != "close":
            return self._into_the_book(name, source, symbol)
        no, reason = self._refusal(name), f"{name} by {source}"
        if not no and not self._session().close_symbol(symbol, reason):
            no = f"nothing of ours is held in {symbol}; {self._session().exposure}"
        self._admit(f"{name} {symbol}", source, no)
        self._closing[symbol] = reason
        self._course.begun.set()  # its way out needs the services, also before the start
        return f"{symbol} is on its way out; {self._session_state.state}: {self._session_state.reason}"

    def _into_the_book(self, name: str, source: str, symbol: str) -> str:
        """A human's word on whose the shares of a symbol are."""
        no, words = self._refusal(name), ""
        if not no and not self._course.begun.is_set():
            no = "the services are not running yet; start the session first"
        if not no:
            try:
                session = self._session()
                words = session.adopt(symbol) if name == "adopt" else session.ignore(symbol)
            except GuardRefused as refused:
                no = str(refused)
        self._admit(f"{name} {symbol}", source, no)
        self._session_state.send("warning", f"{name} {symbol} by {source}: {words}")
        return words

    def _refusal(self, name: str) -> str:
        course = self._course
        return refusal(name, self._session_state.state, course.started, course.ended.is_set(), self._disk_full())

    def _admit(self, name: str, source: str, no: str) -> None:
        self.record(name, source, no or "accepted")
        if no:
            raise GuardRefused(no)

    async def _get_out(self, name: str) -> None:
        """Begin the way out, or say that there is none to go."""
        course = self._course
        if course.begun.is_set():
            await self._leave()
        elif self.anything_left:  # taken over from an earlier session: its way out needs the services
            course.begun.set()
        elif name == "flatten":
            course.deadline.abandon()
            self._session_state.note(TradingState.PAUSED, "nothing is held; entries stay off until resume")
        else:
            course.over = True
            course.begun.set()

    async def _leave(self) -> None:
        await self._session().cancel_entries()
        self._session().request_flatten(self._course.deadline.why)
