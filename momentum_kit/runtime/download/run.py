"""`momentum-kit data download`: a bridge of its own, progress with the time left on a terminal, none in a pipe."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import Config
from momentum_kit.errors import GuardRefused
from momentum_kit.runtime.download.download import Download, Progress
from momentum_kit.runtime.download.plan import DownloadReport, Wanted
from momentum_kit.runtime.download.small_bars import SPACING_S
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.storage.archive import Archive

CLIENT_ID_ABOVE = 1  # beside the trading client, whose id must stay its own


async def run_download(config: Config, wanted: Wanted, archive: Path, client_id: int | None) -> DownloadReport:
    """Connect to the configured gateway and download. Raises GuardRefused while a session trades on its account.

    IB counts history requests over all clients of a login: a download would take a session's share of them.
    """
    if StateFolder(config.owner_key).address() is not None:
        raise GuardRefused(f"a session runs for {config.owner_key}: a download would use up its history requests")
    broker = config.broker
    real_time = config.clock.kind == "wall"  # a faster market asks faster than IB's limits allow
    bridge = IBKRBridge(
        broker.host,
        broker.port,
        broker.client_id + CLIENT_ID_ABOVE if client_id is None else client_id,
        connect_timeout_s=broker.connect_timeout_s,
        request_timeout_s=broker.request_timeout_s,
        messages_per_s=broker.messages_per_s if real_time else math.inf,
        small_bar_pacing=real_time,
    )
    with download_progress(Console(stderr=True)) as progress:
        await bridge.connect()
        try:
            spacing_s = SPACING_S if real_time else 0.0
            return await Download(bridge, Archive(archive), wanted, progress, spacing_s=spacing_s).run()
        finally:
            await bridge.disconnect()


@contextmanager
def download_progress(console: Console) -> Iterator[Progress]:
    """Yields what to call after every answer."""
    if not console.is_terminal:
        yield lambda *_: None
        return
    with console.status("connecting ...") as line:

        def show(stage: str, done: int, total: int, left_s: float) -> None:
            left = "" if math.isnan(left_s) else f", {timedelta(seconds=round(left_s))} left"
            line.update(f"{stage}: [bold]{done:,}[/] of {total:,}{left}")

        yield show
