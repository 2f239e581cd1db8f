"""Gateway to archive: `momentum-kit data download`, resumable."""

from momentum_kit.runtime.download.plan import Wanted
from momentum_kit.runtime.download.run import run_download

__all__ = ["Wanted", "run_download"]
