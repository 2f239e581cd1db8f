"""The commanding half of a kit: starts the engine process or attaches to it, tells it what to do, waits for its end."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Self, TypeVar

from momentum_kit.config import Config, find_project, load_config
from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError
from momentum_kit.models import EngineStatus
from momentum_kit.notebook.kit.inquiries import KitInquiries
from momentum_kit.notebook.kit.sent_command import SentCommand
from momentum_kit.runtime.control import (
    ControlClient,
    kill_engine,
)
from momentum_kit.runtime.engine import (
    RUN_ACCOUNT,
    RUN_DIR,
    find_engine,
    new_run_dir,
    parse_until,
    start_engine,
)
from momentum_kit.runtime.ownership import ControlAddress, StateFolder, release_kill

T = TypeVar("T")

SOURCE = "kit"  # who commands, in the journal
SILENCE_S = 30.0  # wall seconds without an answer until waiting for the engine is given up
POLL_S = 0.2  # an interrupt reaches an awaiting cell only when its loop wakes (ipykernel#881)


class AwaitableKit(KitInquiries):
    """A session by its control endpoint and its journal. The engine is another process and outlives this object."""

    _sent: "Future[Any] | None" = None  # the last command's answer: the next one waits for it

    @classmethod
    async def open(
        cls,
        config: str | Path,
        *,
        host: str | None = None,
        port: int | None = None,
        run_dir: str | Path | None = None,
        in_process: bool = False,
    ) -> Self:
        """Attach to the engine that owns the account, or start one; nothing trades before `start`.

        host, port override the file's. in_process hosts the engine on a thread of this process, for simulation,
        replay and tests; live refuses it. Raises ConfigError, GuardRefused, EngineError: one clear line each.
        """
        overrides = {key: value for key, value in (("broker.host", host), ("broker.port", port)) if value}
        settings = load_config(config, overrides)
        address = await asyncio.to_thread(find_engine, StateFolder.of(settings))
        if address:
            return cls(settings, _client(settings, address), started_here=False)
        if os.environ.get(RUN_ACCOUNT) == settings.owner_key:
            return cls(settings, _client(settings, _ended()), started_here=False)
        project = find_project(Path(config).parent)
        out = Path(run_dir) if run_dir else new_run_dir(settings, project)
        try:
            if in_process:
                from momentum_kit.runtime.engine import serve_in_thread  # loads the whole engine

                address = await asyncio.to_thread(serve_in_thread, settings, project, out)
            else:
                address = (await asyncio.to_thread(start_engine, config, overrides, out)).address
        except MomentumKitError:
            if not run_dir:
                with suppress(OSError):  # something is in it: it stays, for whoever wants to know what happened
                    out.rmdir()
            # somebody else may have been quicker: one engine an account, the other attaches
            address = await asyncio.to_thread(find_engine, StateFolder.of(settings))
            if address is None:
                raise
            return cls(settings, _client(settings, address), started_here=False)
        return cls(settings, _client(settings, address), started_here=True)

    def start(self, until: str = "") -> SentCommand[EngineStatus]:
        """Reconcile with the broker and trade until `until` ('15:55', 'close-5m', '90m'; empty: until told).

        Does nothing to a session that was started before, such as by a kernel that died: its own end stands. Like
        every command it is sent by the call alone; `await` gives the outcome.
        """
        return self._send("start", lambda: self._start(until))

    def pause(self) -> SentCommand[str]:
        """No new entries until `resume`; positions keep their exits."""
        return self._command("pause")

    def resume(self) -> SentCommand[str]:
        """Entries again."""
        return self._command("resume")

    def reduce_only(self) -> SentCommand[str]:
        """No new entries until a human resumes."""
        return self._command("reduce_only")

    def flatten(self) -> SentCommand[str]:
        """Cancel entries and close every position; entries stay off."""
        return self._command("flatten")

    def kill(self) -> SentCommand[str]:
        """Flatten, end, and latch: nothing trades this account again until a human clears it.

        Latches without an engine as well, and says that none ran. An engine that hangs is replaced by its watchdog in
        some seconds; EngineError where it has none, which says what a human has to do.
        """
        return SentCommand("kill", self._kill)  # after nothing else that may still wait for an answer

    def ack(self) -> SentCommand[str]:
        """Say that you have heard what you were paged for: it is not repeated. What is wrong stays wrong."""
        return self._send("ack", self._folder.acknowledge_in_words)

    def clear(self, phrase: str = "") -> SentCommand[str]:
        """Release the kill switch with the phrase that a refusal shows; GuardRefused without it."""
        return self._send("clear", lambda: release_kill(self._folder, self.config.owner_key, phrase))

    def set_thresholds(self, **limits: Any) -> SentCommand[str]:
        """Apply these over the thresholds in force, all or none, as one journalled change, from the next decision on.

        InputError for a limit that is unknown or not valid; GuardRefused where only exported thresholds may trade.
        """
        return self._send("set_thresholds", lambda: self._client.set_thresholds(limits, SOURCE))

    def revert_thresholds(self) -> SentCommand[str]:
        """The tuned file's thresholds again, as one journalled change."""
        return self._send("revert_thresholds", lambda: self._client.revert_thresholds(SOURCE))

    def stop(self) -> SentCommand[EngineStatus]:
        """Flatten, end the session and its engine; the final status."""
        return self._send("stop", self._stop, then=self.wait)

    async def wait(self) -> EngineStatus:
        """Return the final status when the session has ended; an interrupt ends the waiting, not the session.

        EngineError where the engine owns the account but has not answered for SILENCE_S: it hangs, and says nothing.
        """
        answered = monotonic()
        while True:
            try:
                await asyncio.to_thread(self._client.status)
                answered = monotonic()
            except EngineError:
                if not self._owned_by_ours():
                    return self.status()
                if monotonic() - answered >= SILENCE_S:
                    raise
            await asyncio.sleep(POLL_S)

    def _command(self, name: str) -> SentCommand[str]:
        return self._send(name, lambda: self._client.command(name, SOURCE))

    def _send(
        self, name: str, act: Callable[[], Any], then: Callable[[], Awaitable[T]] | None = None
    ) -> SentCommand[T]:
        sent = SentCommand(name, act, after=self._sent, then=then)
        self._sent = sent.answer
        return sent

    def _start(self, until: str) -> EngineStatus:
        now = self.status()
        if now.started:
            return now
        self._client.start(parse_until(until, now.market_time, self.config.calendar))
        return self.status()

    def _stop(self) -> str:
        if self._runs():
            with suppress(GuardRefused, EngineError):  # already on its way out, which is what was asked for
                return self._client.command("stop", SOURCE)
        return "the session is over, or on its way out"

    def _kill(self) -> str:
        outcome, exit_status = kill_engine(self._folder, SOURCE)
        if exit_status and exit_status != GuardRefused.exit_status:  # nothing runs, and the account is latched
            error = EngineError(outcome)
            error.exit_status = exit_status
            raise error
        return outcome


def _client(config: Config, address: ControlAddress) -> ControlClient:
    return ControlClient(address, StateFolder.of(config))


def _ended() -> ControlAddress:
    """Where the engine of this headless run was: its session is over, and its record can still be read."""
    run_dir = os.environ.get(RUN_DIR, "")
    if not run_dir or not (Path(run_dir) / "journal.db").is_file():
        raise EngineError("the engine of this run has ended, and a notebook under `run` starts no other")
    return ControlAddress(port=0, token="", pid=0, run_dir=run_dir, arguments="")
