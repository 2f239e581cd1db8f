"""What the page tells a collector such as Prometheus: whether an engine answers, its numbers, and room on the disk.

The page is there before, between and after engines, at a port that stays; so a rule can tell an engine that is silent
from one that was never started, which the engine's own /metrics cannot.
"""

import shutil
from contextlib import suppress

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from momentum_kit.notebook.live_view import EngineContact
from momentum_kit.runtime.endpoint import snapshot_text
from momentum_kit.runtime.ownership import StateFolder

NAME = "momentum_kit_"
ENGINE = ("answers", "silent", "none")


def page_metrics(contact: EngineContact, folder: StateFolder) -> bytes:
    """The exposition; an engine's numbers are left out where nothing fresh is known of it."""
    connected, status = contact.connected, contact.status
    registry = CollectorRegistry()
    engine = Gauge(
        f"{NAME}engine", "1 for what is known of the account's engine: answers, silent (it owns the account and does "
        "not answer), none.", ["state"], registry=registry,
    )  # fmt: skip
    state = "answers" if connected else "silent" if folder.owned else "none"
    for each in ENGINE:
        engine.labels(each).set(each == state)
    room = Gauge(f"{NAME}disk_free_bytes", "Room where files of a session are written.", ["of"], registry=registry)
    for name, place in (("state", folder.path), ("run", contact.run_dir)):
        if place is not None:
            with suppress(OSError):  # it is not there any more: then there is no number
                room.labels(name).set(shutil.disk_usage(place).free)
    latch = Gauge(f"{NAME}restricted", "1 where a human's word bars entries.", ["by"], registry=registry)
    if restriction := folder.latched():
        latch.labels(restriction.name).set(1)
    told = generate_latest(registry)
    return told + snapshot_text(status) if connected and status else told
