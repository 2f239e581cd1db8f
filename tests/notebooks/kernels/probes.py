"""Asks the kernel of this environment everything, and prints one JSON object as its last line; run by run.py."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.notebooks.kernels.cockpit import Cockpit
from tests.notebooks.kernels.kernel_facts import FACTS
from tests.notebooks.kernels.kit_probes import PROBES, Probe
from tests.notebooks.kernels.live_kernel import LiveKernel, Wedged

ROOT = Path(__file__).resolve().parents[3]
Row = dict[str, Any]


def ask(behaviour: str, relied: bool, look: Callable[[], str]) -> Row:
    """One row: what was observed, or why it does not hold."""
    began = time.perf_counter()
    try:
        observed, holds = look(), True
    except Exception as error:  # noqa: BLE001  (whatever goes wrong, the other rows are wanted as well)
        observed, holds = f"{type(error).__name__}: {error}", False
    row = {"behaviour": behaviour, "relied": relied, "holds": holds, "observed": observed}
    print(f"{time.perf_counter() - began:5.1f} s  {behaviour}: {observed}", file=sys.stderr)  # noqa: T201
    return row


def patiently(look: Callable[[], str], start_over: Callable[[], None]) -> str:
    """What is observed; by a fresh kernel where the first takes no cell any more, which the row then says."""
    try:
        return look()
    except Wedged:
        start_over()
        return f"{look()}; by a 2nd kernel"


def in_session(probe: Probe, cockpit: Cockpit) -> str:
    """A probe, entries on."""
    if cockpit.folder.owned:
        cockpit.running()
    return probe(cockpit)


def no_session() -> str:
    """For the probes after one that ended the session."""
    raise AssertionError("there was no session any more")


def project_in(folder: Path) -> Path:
    """A project folder with the shipped configuration; becomes the current one."""
    shutil.copytree(ROOT / "config", folder / "config")
    os.environ["MOMENTUM_KIT_STATE_DIR"] = str(folder / "state")
    os.chdir(folder)
    return folder


def main() -> None:
    """All probes, in one kernel and one session."""
    with tempfile.TemporaryDirectory(prefix="kernels-") as name:
        project = project_in(Path(name))
        kernel = LiveKernel(project)
        try:
            version = kernel.run("import ipykernel; print(ipykernel.__version__)").printed.strip()
            facts = [
                ask(behaviour, False, partial(patiently, partial(probe, kernel), kernel.restart))
                for behaviour, probe in FACTS
            ]
            cockpit = Cockpit(project, kernel)
            try:
                rows = []
                for behaviour, relied, probe in PROBES:
                    look = partial(in_session, probe, cockpit)
                    rows.append(ask(behaviour, relied, partial(patiently, look, cockpit.start_over)))
                    if not cockpit.folder.owned:
                        break
                left = [ask(behaviour, relied, no_session) for behaviour, relied, _ in PROBES[len(rows) :]]
            finally:
                cockpit.close()
        finally:
            kernel.close()
    print(json.dumps({"kernel": version, "rows": rows + left + facts}))  # noqa: T201


if __name__ == "__main__":
    main()
