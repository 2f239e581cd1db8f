"""Gateway to archive: `momentum-kit data download`, resumable."""

from momentum_kit.runtime.download.download import run_download
from momentum_kit.runtime.download.plan import DownloadRequest

__all__ = ["DownloadRequest", "run_download"]
