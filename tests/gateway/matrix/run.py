"""`make matrix`: every client in an environment of its own against the gateway in this one; prints what each can do.

Environments are built once under .venv/matrix from the hash-locked requirement files beside this script. Exit status 1
if any client fails a capability that it has.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from momentum_kit.runtime.sim import gateway_process

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[2] / ".venv" / "matrix"
CLIENT_TIMEOUT_S = 300
LOCK_STEP = ("--lock-step", "1")
FREE_RUNNING = ("--speed", "50")


@dataclass(frozen=True)
class Column:
    """One client at one cap of the gateway."""

    requirements: str
    script: str
    cap: int
    market: tuple[str, ...] = LOCK_STEP


OFFICIAL = ("ibapi-10.37", "ibapi-10.45", "ibapi-10.51")
COLUMNS = [
    *(Column(name, "official_client.py", cap) for name in OFFICIAL for cap in (200, 226)),
    Column("ib_async-2.1.0", "ib_async_client.py", 226, FREE_RUNNING),
]


def environment(name: str) -> Path:
    """The interpreter of a client's environment, built where it is missing or its requirements have changed."""
    requirements, folder = HERE / f"{name}.txt", ENVIRONMENTS / name
    python, stamp = folder / "bin" / "python", folder / "installed"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)], check=True)
    stamp.write_text(digest)
    return python


def ask(column: Column) -> tuple[int, dict[str, str]]:
    """Run one client: the server version it agreed on, and its results."""
    python = environment(column.requirements)
    arguments = ["--port", "0", "--scenario", "single", "--server-version", str(column.cap), *column.market]
    with (
        tempfile.TemporaryDirectory() as folder,
        gateway_process(arguments, Path(folder) / "gateway.err") as port,
    ):
        command = [str(python), "-I", str(HERE / column.script), str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=CLIENT_TIMEOUT_S)
    if done.returncode:
        return 0, {"connect": (done.stderr.strip().splitlines() or ["ended without a word"])[-1]}
    found = json.loads(done.stdout.splitlines()[-1])
    return found["server_version"], {"connect": "pass", **found["results"]}


def main() -> int:
    """Ask all clients and print the table; returns the exit status."""
    answers = {column: ask(column) for column in COLUMNS}
    capabilities = list(dict.fromkeys(name for _, results in answers.values() for name in results))
    table = Table(title="client x capability, against the simulated gateway")
    table.add_column("capability", no_wrap=True)
    for column, (version, _) in answers.items():
        table.add_column(f"{column.requirements.replace('-', ' ')}\nat {version}", justify="center")
    reasons = []
    for name in capabilities:
        cells = [results.get(name, "-") for _, results in answers.values()]
        table.add_row(name, *(cell if cell in ("pass", "-") else "FAIL" for cell in cells))
        reasons += [
            f"{column.requirements} at {version}: {name}: {results[name]}"
            for column, (version, results) in answers.items()
            if results.get(name, "pass") != "pass"
        ]
    console = Console(width=max(120, Console().width))
    console.print(table)
    console.print("-: not asked of this client")
    for reason in reasons:
        console.print(reason, style="red", markup=False)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
