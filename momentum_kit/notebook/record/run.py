"""One session by its folder, finished or still running: every table and picture that a kit has, and no command."""

from pathlib import Path

from momentum_kit.errors import InputError
from momentum_kit.notebook.html import ShownStatus
from momentum_kit.notebook.record.record_tables import RecordTables
from momentum_kit.pages import number
from momentum_kit.runtime.control import decode_status_text
from momentum_kit.runtime.engine import FINAL_STATUS


class Run(RecordTables):
    """What a session left: `Run("runs/2026-11-20T14-29-58Z").round_trips()`. Nothing in the folder is changed.

    Raises InputError where the folder holds no session.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self.run_dir = Path(run_dir)
        if not self.journal.is_file():
            raise InputError(f"{run_dir}: no journal.db there, so no session; momentum-kit runs lists those there are")

    @property
    def name(self) -> str:
        """Its folder's, in words: where that was not written in UTF-8, with marks in the place of bytes."""
        return self.run_dir.resolve().name.encode(errors="replace").decode()

    def status(self) -> ShownStatus | None:
        """The engine's last snapshot; None while it runs, and where it ended without a last word."""
        final = self.run_dir / FINAL_STATUS
        try:
            return ShownStatus.of(decode_status_text(final.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"{final}: not readable as a last snapshot: {str(error).splitlines()[0]}") from None

    def _repr_html_(self) -> str | None:
        return self.report()._repr_html_()

    def __repr__(self) -> str:
        summary = self.summary()
        return (
            f"<Run {self.run_dir}: {summary['headlines']:,} headlines, {summary['signals']:,} signals, "
            f"{summary['round_trips']:,} round trips, {number(summary['net_pnl_usd'], plus=True)} USD net>"
        )
