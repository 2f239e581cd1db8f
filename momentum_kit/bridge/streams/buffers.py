"""Streams: what the dispatcher feeds and a service reads with `async for`; they never stall the dispatcher."""

import asyncio
import pickle
import tempfile
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Any, Generic, Protocol, TypeVar

from momentum_kit.errors import InputError

T = TypeVar("T")
_LENGTH = 4  # bytes of the length before each value on disk
BOUND = 10_000  # values in memory before a stream that may lose nothing spills to disk


class Buffer(Protocol[T]):
    """What a feed keeps its values in."""

    def __len__(self) -> int: ...

    def put(self, value: T) -> None:
        """Never blocks, never raises."""
        ...

    def get(self) -> T:
        """The next value; called only if there is one."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class LatestBuffer(Generic[T]):
    """Keeps the latest value only: for quotes, of which an old one is worth nothing."""

    def __init__(self) -> None:
        self._values: list[T] = []

    def __len__(self) -> int:
        return len(self._values)

    def put(self, value: T) -> None:
        """Replace what has not been read."""
        self._values = [value]

    def get(self) -> T:
        """The latest value."""
        return self._values.pop()

    def close(self) -> None:
        """Drop it."""
        self._values = []


class Spill:
    """A temporary file of pickled values, first in, first out; created when first needed, emptied when read up."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._count = 0  # values still on disk
        self._read_at = self._write_at = 0

    def __len__(self) -> int:
        return self._count

    def put(self, value: Any) -> None:
        """Append; OSError if the disk refuses, and then nothing has changed."""
        if self._file is None:
            # unbuffered: a full disk shows here and not later, when the buffer is flushed
            self._file = tempfile.TemporaryFile(dir=self._folder, prefix="spill-", buffering=0)  # noqa: SIM115
        content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        content = len(content).to_bytes(_LENGTH, "big") + content
        self._file.seek(self._write_at)
        if self._file.write(content) != len(content):
            raise OSError("the disk took only part of it")
        self._write_at += len(content)
        self._count += 1

    def get(self) -> Any:
        """The oldest value; IndexError if there is none."""
        if self._file is None or not self._count:
            raise IndexError("nothing on disk")
        self._file.seek(self._read_at)
        length = int.from_bytes(self._file.read(_LENGTH), "big")
        value = pickle.loads(self._file.read(length))  # our own values, from an unnamed file of this process
        self._count -= 1
        self._read_at += _LENGTH + length
        if not self._count:
            self._file.truncate(0)
            self._read_at = self._write_at = 0
        return value

    def close(self) -> None:
        """Give the file back."""
        self._count = 0
        if self._file is not None:
            self._file.close()
            self._file = None
            self._read_at = self._write_at = 0


class LosslessBuffer(Generic[T]):
    """Loses nothing and keeps the order: beyond `bound` values go to disk, and `alarm` says so once per overflow."""

    def __init__(
        self, name: str, *, folder: Path | None, alarm: Callable[[str, str], None], bound: int = BOUND
    ) -> None:
        self._name = name
        self._alarm = alarm
        self._bound = bound
        self._memory: deque[T] = deque()
        self._spill = Spill(folder)
        self._disk_failed = False

    def __len__(self) -> int:
        return len(self._memory) + len(self._spill)

    def put(self, value: T) -> None:
        """Append; a disk that refuses is an alarm and the value stays in memory."""
        spilling = len(self._spill) > 0  # then everything new goes behind what is on disk
        if not spilling and (len(self._memory) < self._bound or self._disk_failed):
            self._memory.append(value)
            return
        if not spilling:
            self._alarm("stream", f"{self._name}: its reader is {len(self)} values behind; spilling to disk")
        try:
            self._spill.put(value)
        except OSError as error:
            self._disk_failed = True
            self._alarm("stream", f"{self._name}: cannot spill to disk ({error}); keeping everything in memory")
            self._unspill()
            self._memory.append(value)

    def get(self) -> T:
        """The oldest value."""
        if not self._memory:
            return self._spill.get()  # type: ignore[no-any-return]
        return self._memory.popleft()

    def close(self) -> None:
        """Give memory and file back."""
        self._memory.clear()
        self._spill.close()

    def _unspill(self) -> None:
        while len(self._spill):
            self._memory.append(self._spill.get())


class Feed(Generic[T]):
    """The dispatcher's end of a stream. on_close: unsubscribe; changed: called when the reader starts to wait."""

    def __init__(self, buffer: Buffer[T], on_close: Callable[["Feed[T]"], None], changed: Callable[[], None]) -> None:
        self._buffer = buffer
        self._on_close = on_close
        self._changed = changed
        self._waiter: asyncio.Future[None] | None = None
        self._over = False
        self._error: Exception | None = None

    def put(self, value: T) -> None:
        """Hand one value over."""
        if not self._over:
            self._buffer.put(value)
            self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes: the reader gets what is left, then the error or the end."""
        if not self._over:
            self._over, self._error = True, error
            self._wake()

    def close(self) -> None:
        """The reader has gone: unsubscribe and drop what is left."""
        already_over, self._over = self._over, True
        self._buffer.close()
        self._wake()
        if not already_over:
            self._on_close(self)

    async def next(self) -> T:
        """The next value. A wait that is cancelled, such as by a time-out, loses nothing and ends nothing."""
        while not len(self._buffer):
            if self._over:
                error, self._error = self._error, None
                raise error or StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("a stream has one reader")
            self._waiter = asyncio.get_running_loop().create_future()
            self._changed()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._buffer.get()

    @property
    def idle(self) -> bool:
        """Over, or empty with its reader waiting for the next value."""
        if self._waiter is not None and not self._waiter.done():
            return True  # a reader waits only where nothing is left, and whatever comes wakes it
        return self._over and not len(self._buffer)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Stream(AsyncIterator[T]):
    """The reader's end: `async for value in stream`. aclose, or losing it (its task has ended), unsubscribes.

    keeps: what must live as long as somebody reads.
    """

    def __init__(self, feed: Feed[T], *, keeps: object = None) -> None:
        self._feed = feed
        self._keeps = keeps
        self._loop = asyncio.get_running_loop()
        self._finalizer = weakref.finalize(self, _close_later, self._loop, feed)
        self._finalizer.atexit = False

    def __aiter__(self) -> "Stream[T]":
        return self

    async def __anext__(self) -> T:
        must_run_on(self._loop)
        return await self._feed.next()

    async def aclose(self) -> None:
        """Unsubscribe now."""
        must_run_on(self._loop)
        self._finalizer.detach()
        self._feed.close()

    @property
    def idle(self) -> bool:
        """Empty, and the reader waits for the next value."""
        return self._feed.idle


def must_run_on(loop: asyncio.AbstractEventLoop) -> None:
    """InputError where a bridge's parts are used from another event loop or thread, which would wait for ever."""
    try:
        here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:  # plain code, which may run on the loop's thread between two of its turns
        here = loop if not loop.is_running() else None
    if here is not loop:
        raise InputError(
            "this bridge belongs to another event loop: call it there (asyncio.run_coroutine_threadsafe), or connect "
            "one of your own with another client id"
        )


def _close_later(loop: asyncio.AbstractEventLoop, feed: Feed[Any]) -> None:
    # garbage may be collected on the ibapi thread
    if not loop.is_closed():
        loop.call_soon_threadsafe(feed.close)
