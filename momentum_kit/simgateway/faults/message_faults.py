"""What a fault does to messages on their way out of a client session: frames in, other frames out."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from momentum_kit.simgateway.protocol import BINARY_NUMBERS, PROTOBUF_OFFSET, unreadable

_UNKNOWN_PROTOBUF_FIELD = b"\xfa\xff\xff\xff\x0f\x00"  # the highest field number, no bytes


def split_frames(data: bytes) -> Iterator[bytes]:
    """Single frames, each with its length prefix."""
    offset = 0
    while offset < len(data):
        end = offset + 4 + int.from_bytes(data[offset : offset + 4], "big")
        yield data[offset:end]
        offset = end


def message_number(frame: bytes, version: int) -> int:
    """IB's number of a framed message, the same on both wires; 0 where it has none."""
    if version >= BINARY_NUMBERS:
        number = int.from_bytes(frame[4:8], "big")
        return number - PROTOBUF_OFFSET if number > PROTOBUF_OFFSET else number
    digits = frame[4 : frame.find(b"\0", 4)]
    return int(digits) if digits.isdigit() else 0


class FrameFault(ABC):
    """One way to spoil the messages with certain numbers; done when it has nothing left to do."""

    def __init__(self, numbers: Iterable[int], count: int) -> None:
        self.numbers = frozenset(numbers)
        self.left = count

    @abstractmethod
    def spoil(self, frame: bytes, now: datetime) -> list[bytes]:
        """What leaves instead of this frame, now."""

    def release(self, _: datetime) -> list[bytes]:
        """What was kept back and is due."""
        return []

    def done(self, _: datetime) -> bool:
        """Nothing more will be spoiled or released."""
        return self.left <= 0


class DuplicatedFrames(FrameFault):
    """Every message arrives twice."""

    def spoil(self, frame: bytes, _: datetime) -> list[bytes]:
        """The frame, two times."""
        self.left -= 1
        return [frame, frame]


class SwappedFrames(FrameFault):
    """A message changes places with the next one."""

    kept: bytes | None = None

    def spoil(self, frame: bytes, _: datetime) -> list[bytes]:
        """Keep the first, let the second go before it."""
        if self.kept is None:
            self.kept = frame
            return []
        self.left -= 1
        both, self.kept = [frame, self.kept], None
        return both

    def release(self, _: datetime) -> list[bytes]:
        """A kept one whose partner never came."""
        alone, self.kept = self.kept, None
        return [alone] if alone else []


class MiscountedFields(FrameFault):
    """A message has more or fewer fields than it should."""

    def __init__(self, numbers: Iterable[int], count: int, *, fields: int, version: int) -> None:
        super().__init__(numbers, count)
        self._fields = fields
        self._version = version

    def spoil(self, frame: bytes, _: datetime) -> list[bytes]:
        """The frame with its length right and its content wrong."""
        self.left -= 1
        payload = frame[4:]
        if self._version >= BINARY_NUMBERS and int.from_bytes(payload[:4], "big") > PROTOBUF_OFFSET:
            payload = payload + _UNKNOWN_PROTOBUF_FIELD * self._fields if self._fields > 0 else payload[: self._fields]
        else:
            fields = payload.split(b"\0")[:-1]
            fields = fields + [b"0"] * self._fields if self._fields > 0 else fields[: self._fields] or fields[:1]
            payload = b"\0".join(fields) + b"\0"
        return [len(payload).to_bytes(4, "big") + payload]


class UnreadableFrames(FrameFault):
    """A row of a list cannot be read."""

    def __init__(self, numbers: Iterable[int], count: int, version: int) -> None:
        super().__init__(numbers, count)
        self._version = version

    def spoil(self, frame: bytes, _: datetime) -> list[bytes]:
        """The frame with its length right and its quantity a word."""
        self.left -= 1
        payload = unreadable(frame[4:], self._version)
        return [len(payload).to_bytes(4, "big") + payload]


class DelayedFrames(FrameFault):
    """Messages arrive late, in their order."""

    def __init__(self, numbers: Iterable[int], delay: timedelta, until: datetime) -> None:
        super().__init__(numbers, 1)
        self._delay = delay
        self._until = until
        self._kept: list[tuple[datetime, bytes]] = []

    def spoil(self, frame: bytes, now: datetime) -> list[bytes]:
        """Keep it, also after the fault's end while earlier ones wait."""
        if now >= self._until and not self._kept:
            return [frame]
        self._kept.append((now + self._delay, frame))
        return []

    def release(self, now: datetime) -> list[bytes]:
        """All that are due."""
        due = [frame for at, frame in self._kept if at <= now]
        self._kept = self._kept[len(due) :]
        return due

    def done(self, now: datetime) -> bool:
        """Over, and all were sent."""
        return now >= self._until and not self._kept


class MessageFaults:
    """The faults at work on the messages of one connection; a session's OutgoingFilter."""

    def __init__(self, version: int) -> None:
        self._version = version
        self._faults: list[FrameFault] = []

    def add(self, fault: FrameFault) -> None:
        """From now on."""
        self._faults.append(fault)

    def pass_on(self, data: bytes, now: datetime) -> bytes:
        """What leaves instead of these messages."""
        return b"".join(each for frame in split_frames(data) for each in self._through(frame, now))

    def release(self, now: datetime) -> bytes:
        """What was kept back until now."""
        due = b"".join(frame for fault in self._faults for frame in fault.release(now))
        self._faults = [fault for fault in self._faults if not fault.done(now)]
        return due

    def _through(self, frame: bytes, now: datetime) -> list[bytes]:
        number = message_number(frame, self._version)
        for fault in self._faults:
            if number in fault.numbers and not fault.done(now):
                return fault.spoil(frame, now)
        return [frame]
