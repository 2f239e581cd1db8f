"""Tells systemd that a headless run is up and alive, for as long as its engine is; does nothing elsewhere.

The protocol is one datagram of NAME=VALUE lines to the socket that $NOTIFY_SOCKET names: sd_notify(3).
"""

import os
import socket
import threading
from contextlib import suppress
from time import monotonic

from momentum_kit.errors import StorageError
from momentum_kit.runtime.ownership import HEARTBEAT_S, SILENT_AFTER_S, Heartbeat, StateFolder, read_heartbeat

SOCKET = "NOTIFY_SOCKET"
WATCHDOG_USEC = "WATCHDOG_USEC"  # by when systemd wants the next sign of life
PATIENCE_S = 1.0


def notify(*lines: str) -> None:
    """Send one datagram; nothing happens where nobody listens, or where systemd does not take it."""
    address = os.environ.get(SOCKET, "")
    if not address:
        return
    if address.startswith("@"):  # Linux' abstract sockets begin with a zero byte
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ours:
        ours.settimeout(PATIENCE_S)  # a full queue of theirs blocks, and no run may wait for systemd
        ours.sendto("\n".join(lines).encode(), address)


class Notifier:
    """While it is entered: READY once, WATCHDOG for as long as the engine gives signs of life, STOPPING at the end.

    An engine that hangs gets no WATCHDOG, so that systemd ends and restarts the unit; one that has ended in order gets
    it on, since its report is being written. Ages are measured here: a machine that slept is no engine that hangs.
    """

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._seen: Heartbeat | None = None
        self._changed = monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notify", daemon=True)

    def __enter__(self) -> "Notifier":
        if os.environ.get(SOCKET):
            notify("READY=1", "STATUS=the engine listens")
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        notify("STOPPING=1", "STATUS=the session is over")

    def _run(self) -> None:
        every_s = min(HEARTBEAT_S, int(os.environ.get(WATCHDOG_USEC) or 10_000_000) / 2e6)
        while not self._ended.wait(every_s):
            if words := self._alive():
                notify("WATCHDOG=1", f"STATUS={words}")

    def _alive(self) -> str:
        """How the session stands; empty if its engine gives no sign of life."""
        try:
            now = read_heartbeat(self._folder)
        except StorageError:
            now = None
        if now != self._seen:
            self._seen, self._changed = now, monotonic()
        over = not self._folder.owned
        if over or monotonic() - self._changed < SILENT_AFTER_S:
            return self._seen.words.replace("\n", " ") if self._seen else "starting"
        return ""
