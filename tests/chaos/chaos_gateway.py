"""A gateway in a process of its own that can be killed, and a way to it that can be cut."""

import asyncio
import json
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import yaml

PATIENCE_S = 180.0
MARKET = Path(__file__).parent / "market.yaml"


class Gateway:
    """A simulated gateway in a process of its own; `truth()` ends it and tells what it knows.

    speed: its market follows the clock on the wall, as a real one does; without it every client leads it in lock-step.
    stories: planted in its day; without any nothing is entered.
    """

    def __init__(
        self, folder: Path, seed: int = 2, port: int = 0, speed: float | None = None, *, stories: bool = True
    ) -> None:
        day = yaml.safe_load(MARKET.read_text())
        if not stories:
            day["news"]["planted"] = 0
        market = folder / "market.yaml"
        market.write_text(yaml.safe_dump(day))
        self._truth = folder / "truth.json"
        self._errors = (folder / "gateway.err").open("a")
        pace = ["--speed", str(speed)] if speed else ["--lock-step", "1.0"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.cli", "sim", "--json", "--port", str(port), *pace,
             "--scenario", str(market), "--seed", str(seed), "--truth", str(self._truth), "--stop-with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True, text=True,
        )  # fmt: skip
        self.pid = self._process.pid
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE_S)
        line = self._process.stdout.readline() if ready else ""
        assert line, (folder / "gateway.err").read_text()
        self.port: int = json.loads(line)["port"]

    def die(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def truth(self) -> dict[str, Any]:
        """End it in order: its own orders, fills and positions."""
        self.close()
        known: dict[str, Any] = json.loads(self._truth.read_text())
        return known

    def close(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()


class Proxy:
    """Stands between engine and gateway, on a thread; `cut` drops what is connected and refuses until `mend`.

    target: the gateway's port; another gateway may take its place.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[Any]] = set()
        self._whole = True
        self._server = self._loop.run_until_complete(asyncio.start_server(self._carry, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Drop every connection."""
        self._whole = False
        self._loop.call_soon_threadsafe(self._drop)

    def mend(self) -> None:
        """Let connections through again."""
        self._whole = True

    def close(self) -> None:
        """Drop every connection and stop listening."""

        async def end() -> None:
            self._server.close()
            self._drop()
            await asyncio.gather(*self._carrying, return_exceptions=True)
            await self._server.wait_closed()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def _drop(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # the gateway is dead
            writer.transport.abort()
            return
        ends = {writer, forth}
        if not self._whole:  # also where it was cut meanwhile
            for end in ends:
                end.transport.abort()
            return
        ways = {asyncio.ensure_future(pump(reader, forth)), asyncio.ensure_future(pump(back, writer))}
        self._open |= ends
        self._carrying |= ways
        await asyncio.wait(ways)
        self._carrying -= ways
        self._open -= ends


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until either side ends, then end the other."""
    try:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # cut, which is what a proxy here is for
    finally:
        writer.transport.abort()
