"""`make kernels`: a notebook, headless runs and the panel under every supported kernel; prints what was observed.

Each ipykernel is installed over the project's own lock, in an environment of its own under .venv/kernels, and asked by
probes.py and by the tests below. Exit status 1 if anything that the product relies on fails under any of them.
Arguments: the versions to ask, all of them by default.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
ENVIRONMENTS = ROOT / ".venv" / "kernels"
VERSIONS = ("6.31", "7.2", "7.4")
TIMEOUT_S = 1800
EXAMPLE = "test_the_notebook_runs[04_live_control]"  # the studies, 01 to 03, compute in plain cells: nothing differs
TESTS = {
    "04_live_control, cell by cell (nbval)": f"tests/notebooks/test_notebooks.py::{EXAMPLE}",
    "`momentum-kit run` to its end: status 0, flat": "tests/chaos/test_stop_matrix.py::test_the_deadline",
    "SIGTERM, SIGINT to it: finally ran, flat, 0": "tests/chaos/test_stop_matrix.py::test_a_signal_to_the_run",
    "SIGKILL to its kernel: a fresh one goes on": "tests/chaos/test_stop_matrix.py::test_sigkill_to_the_kernel",
    "the panel in JupyterLab, by a real browser": "tests/browser/test_panel.py",
}
Row = dict[str, Any]


def requirements(version: str) -> str:
    """The project's lock with this kernel's lines in place of its own."""
    ours = (HERE / f"requirements-{version}.txt").read_text()
    replaced = set(re.findall(r"^([\w.-]+)==", ours, re.MULTILINE))
    locked = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text())
    return "\n".join(block for block in locked if re.split(r"\[|==", block)[0] not in replaced) + "\n" + ours


def environment(version: str) -> Path:
    """The interpreter of a kernel's environment, built or brought up to date where its requirements have changed."""
    wanted, folder = requirements(version), ENVIRONMENTS / version
    python, stamp = folder / "bin" / "python", folder / "installed"
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    venv.create(folder, with_pip=True)  # over the one that is there: minutes less where one line of the lock changed
    (folder / "requirements.txt").write_text(wanted)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--require-hashes", "-r", str(folder / "requirements.txt")], check=True)
    subprocess.run([*pip, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], check=True)
    subprocess.run([*pip, "check"], check=True)
    stamp.write_text(digest)
    return python


def ask(version: str, python: Path) -> tuple[str, list[Row]]:
    """A kernel's own version, and all rows."""
    probed = subprocess.run(
        [python, "-m", "tests.notebooks.kernels.probes"], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S
    )
    if probed.returncode:
        return version, [row("the probes", False, f"ended with status {probed.returncode}")]
    answer = json.loads(probed.stdout.splitlines()[-1])
    name = answer["kernel"]
    asked = row("the kernel that was asked for", name.startswith(f"{version}."), name)
    return name, [asked, *tested(python), *answer["rows"]]


def tested(python: Path) -> list[Row]:
    """A row for each group of tests."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        pytest = [python, "-m", "pytest", "-q", "-n", "0", "-p", "no:randomly", f"--junitxml={report}"]
        environ = {name: value for name, value in os.environ.items() if name != "MOMENTUM_KIT_NO_SKIP"}
        subprocess.run(
            [*pytest, *TESTS.values()], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False
        )
        cases = list(ElementTree.parse(report).iter("testcase"))
    return [grouped(behaviour, node, cases) for behaviour, node in TESTS.items()]


def grouped(behaviour: str, node: str, cases: list[ElementTree.Element]) -> Row:
    """One row for the cases of one node."""
    file, _, test = node.partition("::")
    module = file.removesuffix(".py").replace("/", ".")
    ours = [each for each in cases if each.get("classname") == module and each.get("name", "").startswith(test)]
    failed = [each for each in ours if each.find("failure") is not None or each.find("error") is not None]
    skipped = sum(each.find("skipped") is not None for each in ours)
    if failed or not ours:
        why = "; ".join(f"{each.get('name')}: {_reason(each)}" for each in failed) or "no such test"
        return row(behaviour, False, why)
    if skipped == len(ours):
        return row(behaviour, True, "not asked")
    took_s = sum(float(each.get("time", 0)) for each in ours)
    return row(behaviour, True, f"{len(ours) - skipped} of {len(ours)}, {took_s:.0f} s")


def _reason(case: ElementTree.Element) -> str:
    """The last line of what pytest says."""
    failure = case.find("failure") if case.find("failure") is not None else case.find("error")
    return (failure.get("message", "") if failure is not None else "").strip().partition("\n")[0]


def row(behaviour: str, holds: bool, observed: str) -> Row:
    """Of something that the product relies on."""
    return {"behaviour": behaviour, "relied": True, "holds": holds, "observed": observed}


def main(versions: list[str]) -> int:
    """Ask all kernels and print the table; returns the exit status."""
    console = Console(width=max(120, Console().width))
    began = time.monotonic()
    answers = dict(ask(version, environment(version)) for version in versions)
    for relied, title in ((True, "what the product relies on"), (False, "what differs, and nothing relies on")):
        table = Table(title=title, show_lines=False)
        table.add_column("behaviour")
        for name in answers:
            table.add_column(f"ipykernel {name}")
        found = {name: {each["behaviour"]: each for each in rows if each["relied"] == relied} for name, rows in
                 answers.items()}  # fmt: skip
        for behaviour in dict.fromkeys(behaviour for rows in found.values() for behaviour in rows):
            cells = [rows.get(behaviour) for rows in found.values()]
            table.add_row(behaviour, *(("-" if cell is None else cell["observed"] if cell["holds"] else "FAIL")
                                       for cell in cells))  # fmt: skip
        console.print(table)
    failed = [(name, each) for name, rows in answers.items() for each in rows if not each["holds"]]
    for name, each in failed:
        console.print(f"ipykernel {name}: {each['behaviour']}: {each['observed']}", style="red", markup=False)
    console.print(f"{time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(VERSIONS)
    sys.exit(f"no such version: {', '.join(sorted(unknown))}; there are {', '.join(VERSIONS)}" if unknown else
             main(sys.argv[1:] or list(VERSIONS)))  # fmt: skip
