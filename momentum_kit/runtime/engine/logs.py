"""logs/bot.log: structured, rotating lines; one JSON object a line."""

import logging
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from momentum_kit.config import StorageSettings
from momentum_kit.errors import StorageError
from momentum_kit.private_files import make_private_folder, open_private


class _PrivateFile(RotatingFileHandler):
    """Its files are this user's alone, rotated ones included."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, self.mode, encoding=self.encoding, errors="replace", opener=open_private)  # type: ignore[return-value]


def configure_logs(folder: Path, settings: StorageSettings) -> None:
    """Send structlog and the standard library's warnings to one rotating file; StorageError if it cannot be written."""
    try:
        make_private_folder(folder)
        handler = _PrivateFile(
            folder / "bot.log",
            maxBytes=int(settings.log_max_mb * 1e6),
            backupCount=settings.log_backups,
            encoding="utf-8",
        )
    except OSError as error:
        raise StorageError(f"cannot write logs in {folder}: {error.strerror}") from None
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer(), foreign_pre_chain=shared)
    )
    logging.raiseExceptions = False  # a line that the disk refuses must not become a traceback on stderr
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("ibapi").setLevel(logging.WARNING)  # at INFO it formats every message
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    set_on_retry_hooks([_trying_again])


def _trying_again(details: RetryDetails) -> None:
    structlog.get_logger("retry").warning(
        "trying again", in_s=round(details.wait_for, 1), attempt=details.retry_num, why=str(details.caused_by)
    )
