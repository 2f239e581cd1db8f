"""`make audit`: what the lock brings, offline: pins, hashes, licences, and a bill of materials beside the wheel.

    python tests/architecture/audit.py [BOM.json]

Each package of requirements.lock has one version and its hashes, is installed as locked, and has a licence that lets a
user run, change and pass on what he built. The bill is CycloneDX 1.5 as JSON.
"""

import json
import re
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from packaging.markers import Marker

PROJECT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])?==(?P<version>[\w.+!-]+)(?: ;(?P<marker>.*))?")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
PERMITTED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Python-2\.0|MPL|Mozilla Public|Unlicense|Zlib|CC0|HPND|0BSD|"
    r"BSL-1\.0|Boost|CNRI|Artistic|LGPL|Lesser General Public|Public Domain|matplotlib|NCSA|IJG)\b",
    re.IGNORECASE,
)
REVIEWED = {
    "backtesting": "AGPL-3.0: a peer of the benchmarks, of the dev extra alone, which the package never imports",
    "ib-async": "BSD-2-Clause by its licence file: a peer of the benchmarks, of the dev extra alone",
    "ibapi-stable": "IB API non-commercial or commercial licence: installed by the user, never part of the wheel",
}


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of the lock."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def read_lock(text: str) -> tuple[list[Locked], list[str]]:
    """The packages of a lock, and what is no pinned package in it."""
    packages, faults = [], []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        requirement, _, rest = line.partition(" --hash")
        pin = PIN.fullmatch(requirement.strip())
        if not pin:
            faults.append(f"no pinned package: {line[:80]}")
            continue
        found = tuple(HASH.findall(f" --hash{rest}"))
        packages.append(Locked(pin["name"].lower().replace("_", "-"), pin["version"], pin["marker"] or "", found))
    return packages, faults


def licence(name: str) -> str:
    """What an installed package says of its licence; empty if it is not installed."""
    try:
        known: Any = metadata(name)
    except PackageNotFoundError:
        return ""
    classifiers = [each.rpartition(" :: ")[2] for each in known.get_all("Classifier") or () if "License ::" in each]
    first = (known.get("License") or "").strip().splitlines()
    return known.get("License-Expression") or "; ".join(classifiers) or (first[0][:120] if first else "unknown")


def faults_of(packages: list[Locked]) -> list[str]:
    """What is wrong with them, one line each."""
    faults = [f"{each.name}: no hash" for each in packages if not each.hashes]
    for each in packages:
        words = licence(each.name)
        if not words:
            continue  # of another platform or Python
        if metadata(each.name)["Version"] != each.version and (not each.marker or Marker(each.marker).evaluate()):
            faults.append(f"{each.name}: {metadata(each.name)['Version']} is installed, {each.version} is locked")
        if each.name not in REVIEWED and not PERMITTED.search(words):
            faults.append(f"{each.name}: licence {words!r} is not among the permitted ones; review it")
    content = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    given = content["project"]["dependencies"]
    wanted = {re.split(r"[\[<>=!~; ]", each)[0].lower().replace("_", "-") for each in given}
    missing = wanted - {each.name for each in packages}
    faults += [f"{name}: a dependency, and not in the lock" for name in sorted(missing)]
    return faults


def bill(packages: list[Locked]) -> dict[str, Any]:
    """The bill of materials: every locked package with version, hashes and licence."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "library", "name": project["name"], "version": project["version"]}},
        "components": [
            {
                "type": "library",
                "name": each.name,
                "version": each.version,
                "purl": f"pkg:pypi/{each.name}@{each.version}",
                "licenses": [{"license": {"name": licence(each.name) or "not installed here"}}],
                "properties": [{"name": "sha256", "value": each_hash} for each_hash in each.hashes],
            }
            for each in sorted(packages, key=lambda package: package.name)
        ],
    }


def main(arguments: list[str]) -> int:
    """Print what is wrong; 1 if anything is. With a path the bill of materials is written there."""
    packages, faults = read_lock((PROJECT / "requirements.lock").read_text(encoding="utf-8"))
    faults += faults_of(packages)
    if arguments:
        target = Path(arguments[0])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(bill(packages), indent=1) + "\n", encoding="utf-8")
    hashes = sum(len(each.hashes) for each in packages)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(
        f"{len(packages)} packages, {hashes:,} hashes, {len(faults)} faults{f'; {arguments[0]}' if arguments else ''}"
    )
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
