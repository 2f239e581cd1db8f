"""What a finished run says of itself: summary.json, and the table a person reads in the terminal."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from momentum_kit.errors import StorageError
from momentum_kit.plain_text import plain_lines, plain_text
from momentum_kit.private_files import write_whole
from momentum_kit.storage.journal import decisions_digest, summarise

SUMMARY = "summary.json"


def run_summary(run_dir: Path, truth: dict[str, Any] | None, extra: dict[str, Any]) -> dict[str, Any]:
    """Summary of a run's journal, beside the gateway's planted truth where there is one."""
    journal = run_dir / "journal.db"
    summary = {**summarise(journal), **extra, "decisions_digest": decisions_digest(journal), "run_dir": str(run_dir)}
    if truth and "planted" in truth:
        summary |= _against_truth(summary, truth)
    return summary


def _against_truth(summary: dict[str, Any], truth: dict[str, Any]) -> dict[str, Any]:
    """How many planted stories were caught by a signal, and how many entries had nothing behind them."""
    planted = {(row["story"], row["symbol"]) for row in truth["planted"]}
    caught = planted & {tuple(pair) for pair in summary["signal_stories"]}
    false = [pair for pair in summary["entry_stories"] if tuple(pair) not in planted]
    return {"planted": len(planted), "caught": len(caught), "false_entries": len(false)}


def write_summary(run_dir: Path, summary: dict[str, Any]) -> Path:
    """summary.json, written last and atomically: where it stands, the run finished. StorageError on a full disk."""
    path = run_dir / SUMMARY
    try:
        write_whole(path, json.dumps(summary, indent=1))
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}") from None
    return path


def print_summary(summary: dict[str, Any], console: Console) -> None:
    """The table at the end of a demo."""
    table = Table(title=f"{summary['title']}", show_header=False, title_justify="left", box=None, padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    for label, value in _rows(summary):
        table.add_row(label, Text(plain_lines(value)))
    console.print(table)
    console.print(plain_text(f"everything is in {summary['run_dir']}"), soft_wrap=True, markup=False, highlight=False)


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    latency = summary["latency_ms"]
    rows = [
        ("headlines", str(summary["headlines"])),
        ("signals", str(summary["signals"])),
        ("skips", "\n".join(f"{count:>4}  {reason}" for reason, count in summary["skips"].items()) or "none"),
        ("entries, orders, fills", f"{summary['entries']}, {summary['orders']}, {summary['fills']}"),
        ("round trips", str(summary["round_trips"])),
        (
            "P&L after costs",
            "{net_pnl_usd:+,.2f} USD ({gross_pnl_usd:+,.2f} less {costs_usd:,.2f})".format(**summary),
        ),
    ]
    if latency["n"]:
        rows.append(("decision to last byte", f"p50 {latency['p50']:.2f} ms, p99 {latency['p99']:.2f} ms"))
    if "planted" in summary:
        rows.append(("planted, caught, false entries", "{planted}, {caught}, {false_entries}".format(**summary)))
    rows.append(("decisions digest", summary["decisions_digest"][:16]))
    rows += [("note", note) for note in summary.get("notes", [])]
    return rows
