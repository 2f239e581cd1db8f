"""Takeover: what a watchdog does about an engine that hangs or is gone: tells, ends it, and starts one that goes on."""

import json
import os
import subprocess
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from momentum_kit.config import AlertSettings
from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError, StorageError
from momentum_kit.external import make_alerts
from momentum_kit.private_files import open_private
from momentum_kit.runtime.ownership import (
    LATCHES,
    EngineIdentity,
    Restriction,
    StateFolder,
    end_engine,
    read_heartbeat,
)
from momentum_kit.runtime.watchdog.hand_over import HandOver
from momentum_kit.runtime.watchdog.order import WatchOrder
from momentum_kit.sessions import in_words

ATTEMPTS = 3  # to start a fresh engine, and fresh engines of one session that may hang or die as well
PAUSE_S = 5.0  # between two attempts
UP_WITHIN_S = 60.0  # wall seconds until an engine listens
LOOK_S = 0.25  # wall seconds between two looks whether somebody has heard it
ENGINE_GONE = "engine gone"  # the matter of its pages
ENGINE_ERRORS = "engine.err"  # of the engine that has the session: its stderr
LOG = "watchdog.log"  # of the run: what the watchdog told and did, line by line
FORBIDDEN = {"restart_keep": "reduce_only", "restart_flatten": "flatten"}  # to the fresh engine, until a human resumes


class Takeover:
    """Acts for one engine, once."""

    def __init__(self, order: WatchOrder, hand_over: HandOver) -> None:
        self._order = order
        self._hand_over = hand_over
        self._started: set[int] = set()
        self._folder = StateFolder(order.accounts[0], order.state_dir)
        self._alerts = make_alerts(
            AlertSettings.model_validate(order.alerts), order.accounts[0], self._folder.acknowledged_at
        )
        self._log = Path(order.run_dir) / LOG

    def close(self) -> None:
        """Call until somebody has heard it, or another engine owns the account; then deliver what waits."""
        while self._alerts.pending and not self._folder.owned:
            time.sleep(LOOK_S)
        self._alerts.close()

    def held(self, seconds: float, marked: str, word: str) -> None:
        """The loop is held; word: what a person has commanded and it does not hear."""
        self._bar(marked, "held")
        self._tell(f"the engine (pid {self._order.pid}) hangs: its loop has been held for {seconds:.0f} s"
                   f"{_reading(marked)}; {self._left()}. {self._next(word)}")  # fmt: skip

    def goes_on(self) -> None:
        """It beats again by itself."""
        self._settle(f"the engine (pid {self._order.pid}) gives signs of life again")

    def gone(self, marked: str) -> None:
        """It has died without a last word."""
        self._tell_died(marked, "Start the session again to take over")

    def succeed(self, marked: str, word: str) -> None:
        """It has died without a last word: start one that goes on."""
        with ExitStack() as held:
            if self._folder.locked:  # a person, or a schedule, was faster: its address and what it may do are its own
                self._tell_died(marked, "Another engine has the account already")
                self._settle(f"the engine (pid {self._order.pid}) died, and another one has the account")
                return
            try:
                self._hold(held)
            except (GuardRefused, EngineError) as error:
                self._tell_died(marked, f"NO other one was started: {error}")
                return
            self._tell_died(marked, f"A fresh one {f'obeys: {word}' if word else self._policy()}")
            self._go_on(word, "died")

    def _tell_died(self, marked: str, then: str) -> None:
        self._bar(marked, "ended")
        self._tell(
            f"the engine (pid {self._order.pid}) died without a last word{_reading(marked)}; {self._left()}. {then}"
        )

    def failed(self) -> None:
        """It has ended in words, which it has told; nobody else is left to call again."""
        self._alerts.page(ENGINE_GONE, f"the session failed: {self._left()}", told=True)

    def replace(self, word: str) -> bool:
        """End the engine and start one that goes on; False where it was not ended, and still stands as it did."""
        order = self._order
        known = EngineIdentity(pid=order.pid, born=order.born, token=order.token)
        with ExitStack() as held:
            try:
                self._hold(held)
                end_engine(self._folder, known)
            except (GuardRefused, EngineError) as error:
                self._tell(f"the engine (pid {order.pid}) was NOT ended: {error}. Look at the account")
                return False
            self._note(f"ended pid {order.pid}")
            self._go_on(word, "hung and was ended")
        return True

    def _hold(self, held: ExitStack) -> None:
        """Until `held` is closed the account counts as owned, whoever dies."""
        if self._hand_over.descriptors:
            held.callback(self._hand_over.release)
            return
        for account in self._order.accounts:
            held.enter_context(StateFolder(account, self._order.state_dir).handing_over())

    def _go_on(self, word: str, became: str) -> None:
        """Start a fresh engine in the place of one that has become so; in words where none came up."""
        begun, order = time.monotonic(), self._order
        address = self._folder.address()
        if address is not None and address.pid == order.pid:
            self._folder.withdraw()
        self._forbid(became)
        try:
            pid = self._fresh()
        except MomentumKitError as error:
            self._tell(f"the engine (pid {order.pid}) {became}, and NO other one took over: {error}; {self._left()}. "
                       "Start the session again")  # fmt: skip
            return
        self._hand_over.release()
        if not pid:
            self._settle(f"the engine (pid {order.pid}) {became}, and another one has the account")
            return
        does = f"obeys: {word}" if word else self._policy()
        self._settle(f"a fresh engine (pid {pid}) took over {time.monotonic() - begun:.1f} s after pid {order.pid} "
                     f"{became}, and {does}")  # fmt: skip

    def _fresh(self) -> int:
        """Start one that goes on where the other stood, and wait until it listens; its process id.

        0 where another one has the account: a person was faster, or it came up, died, and was followed by its watchdog.
        """
        times = int(self._order.engine.get("takeovers", 0)) + 1
        if times > ATTEMPTS:
            raise EngineError(f"{ATTEMPTS} fresh engines of this session hung or died as well")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._start({**self._order.engine, "takes_over": self._last(), "takeovers": times})
            except EngineError as error:
                self._note(f"attempt {attempt}: {error}")
                if self._folder.followed:
                    return 0
                if attempt == ATTEMPTS:
                    raise
                time.sleep(PAUSE_S)
        raise AssertionError("unreachable")

    def _last(self) -> int:
        """Whose word tells how the session stands: the engine's that was watched, or of one that came up and died."""
        last = read_heartbeat(self._folder)
        return last.pid if last and last.pid in self._started else self._order.pid

    def _start(self, asked: dict[str, Any]) -> int:
        kept = Path(self._order.run_dir) / ENGINE_ERRORS
        errors = kept.with_name(f".{ENGINE_ERRORS}.{os.getpid()}.{len(self._started)}")  # its own until it listens
        with open(errors, "w", opener=open_private) as stderr:
            process = subprocess.Popen(
                [*self._order.command, json.dumps(asked)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
            )  # fmt: skip
        self._started.add(process.pid)
        deadline = time.monotonic() + UP_WITHIN_S
        while process.poll() is None and time.monotonic() < deadline:
            address = self._folder.address()
            if address is not None and address.pid == process.pid:
                self._note(f"pid {process.pid} listens; {_words_of(kept) or 'the other one had said nothing'}")
                errors.replace(kept)  # how the session ended is told by who ended it
                return process.pid
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
            process.wait()
            errors.unlink()
            raise EngineError(f"it did not listen within {UP_WITHIN_S:.0f} s")
        if process.returncode == 0:  # it was told to end before it was seen: another one would begin what is over
            self._note(f"pid {process.pid} came up and has ended in order; {_words_of(kept)}")
            errors.replace(kept)
            return process.pid
        words = _words_of(errors).splitlines()
        errors.unlink()
        raise EngineError(words[-1] if words else f"it ended with status {process.returncode}")

    def _forbid(self, became: str) -> None:
        """What the policy wants of the next engine stands until a human resumes; a stronger latch stays."""
        name, latched = FORBIDDEN.get(self._order.then, ""), self._folder.latched()
        if not name or (latched and list(LATCHES).index(latched.name) >= list(LATCHES).index(name)):
            return
        given = Restriction(name, f"by the watchdog at {in_words(datetime.now(UTC))}: an engine {became}")
        try:
            self._folder.latch(given)
        except StorageError as error:
            self._note(f"{name} could not be latched: {error}")

    def _policy(self) -> str:
        if self._order.then == "restart_flatten":
            return "closes every position; entries stay off until resume"
        return "keeps what is held, with its exits; entries stay off until resume"

    def _next(self, word: str) -> str:
        if word:
            return f"It is ended now, and a fresh one obeys: {word}"
        if self._order.then == "alert":
            return f"To have a fresh one close everything: momentum-kit kill {self._order.arguments}"
        return f"It is ended now, and a fresh one {self._policy()}"

    def _left(self) -> str:
        """What is at stake, as the engine said last."""
        try:
            last = read_heartbeat(self._folder)
        except StorageError as error:
            return str(error)
        return last.words if last else "it has given no sign of life yet"

    def _bar(self, marked: str, what: str) -> None:
        """Leave word of the text that it was reading."""
        fingerprint, _, words = marked.partition(" ")
        if not fingerprint:
            return
        try:
            self._folder.bar(fingerprint, f"{what} an engine at {in_words(datetime.now(UTC))}: {words}")
        except StorageError as error:
            self._note(f"the text could not be barred: {error}")

    def _tell(self, text: str) -> None:
        self._note(text)
        self._alerts.page(ENGINE_GONE, text)

    def _settle(self, text: str) -> None:
        self._note(text)
        self._alerts.settle(ENGINE_GONE, text)

    def _note(self, text: str) -> None:
        line = f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {' '.join(text.split())}\n"
        try:
            with open(self._log, "a", opener=open_private, encoding="utf-8") as file:
                file.write(line)
        except OSError:
            return  # a full disk: a human is told all the same


def _reading(marked: str) -> str:
    words = marked.partition(" ")[2]
    return f" while it reads {words}" if words else ""


def _words_of(errors: Path) -> str:
    """What an engine has said on stderr; nothing where there is no such file."""
    try:
        return errors.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
