"""The commanding half of a kit: starts the engine process or attaches to it, tells it what to do, waits for its end."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from momentum_kit.config import Config, find_project, load_config
from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError
from momentum_kit.models import EngineStatus
from momentum_kit.notebook.kit.kit_views import KitViews
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
    serve_in_thread,
    start_engine,
)
from momentum_kit.runtime.ownership import ControlAddress, StateFolder, release_kill

if TYPE_CHECKING:
    pass

SILENCE_S = 30.0  # wall seconds without an answer until waiting for the engine is given up
POLL_S = 0.2  # an interrupt reaches an awaiting cell only when its loop wakes (ipykernel#881)


class AwaitableKit(KitViews):
    """A session by its control endpoint and its journal. The engine is another process and outlives this object."""

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

    async def start(self, until: str = "") -> EngineStatus:
        """Reconcile with the broker and trade until `until` ('15:55', 'close-5m', '90m'; empty: until told).

        Does nothing to a session that was started before, such as by a kernel that died: its own end stands.
        """
        now = self.status()
        if now.started:
            return now
        end = parse_until(until, now.market_time, self.config.calendar)
        await asyncio.to_thread(self._client.start, end)
        return self.status()

    async def pause(self) -> str:
        """No new entries; positions keep their exits."""
        return await self._command("pause")

    async def resume(self) -> str:
        """Entries again."""
        return await self._command("resume")

    async def reduce_only(self) -> str:
        """No new entries until a human resumes."""
        return await self._command("reduce_only")

    async def flatten(self) -> str:
        """Cancel entries and close every position; entries stay off."""
        return await self._command("flatten")

    async def kill(self) -> str:
        """Flatten, end, and latch: nothing trades this account again until a human clears it.

        Latches without an engine as well, and says that none ran. EngineError where the engine hangs: it obeys once
        it wakes, and the error says what a human has to do meanwhile.
        """
        outcome, exit_status = await asyncio.to_thread(kill_engine, self._folder, "kit")
        if exit_status and exit_status != GuardRefused.exit_status:  # nothing runs, and the account is latched
            error = EngineError(outcome)
            error.exit_status = exit_status
            raise error
        return outcome

    async def clear(self, phrase: str = "") -> str:
        """Release the kill switch with the phrase that a refusal shows; GuardRefused without it."""
        return await asyncio.to_thread(release_kill, self._folder, self.config.owner_key, phrase)

    async def set_thresholds(self, **limits: Any) -> str:
        """Apply these over the thresholds in force, all or none, as one journalled change, from the next decision on.

        InputError for a limit that is unknown or not valid; GuardRefused where only exported thresholds may trade.
        """
        return await asyncio.to_thread(self._client.set_thresholds, limits, "kit")

    async def revert_thresholds(self) -> str:
        """The tuned file's thresholds again, as one journalled change."""
        return await asyncio.to_thread(self._client.revert_thresholds, "kit")

    async def stop(self) -> EngineStatus:
        """Flatten, end the session and its engine; the final status."""
        if await asyncio.to_thread(self._runs):
            with suppress(GuardRefused, EngineError):  # already on its way out, which is what was asked for
                await self._command("stop")
        return await self.wait()

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

    async def _command(self, name: str) -> str:
        return await asyncio.to_thread(self._client.command, name, "kit")


def _client(config: Config, address: ControlAddress) -> ControlClient:
    return ControlClient(address, StateFolder.of(config))


def _ended() -> ControlAddress:
    """Where the engine of this headless run was: its session is over, and its record can still be read."""
    run_dir = os.environ.get(RUN_DIR, "")
    if not run_dir or not (Path(run_dir) / "journal.db").is_file():
        raise EngineError("the engine of this run has ended, and a notebook under `run` starts no other")
    return ControlAddress(port=0, token="", pid=0, run_dir=run_dir, arguments="")
