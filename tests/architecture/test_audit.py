import json
import re
from pathlib import Path

import pytest

from tests.architecture import audit

PROJECT = Path(__file__).resolve().parents[2]
HASH = "--hash=sha256:" + "0" * 64


def test_the_lock_has_no_faults():
    """Every package pinned, with hashes, installed as locked, under a licence that was looked at."""
    packages, faults = audit.read_lock((PROJECT / "requirements.lock").read_text(encoding="utf-8"))
    assert faults + audit.faults_of(packages) == []


@pytest.mark.parametrize(
    "line",
    ["numpy>=2 " + HASH, "git+https://example.com/x.git#egg=x", "x @ https://example.com/x.whl", "-e .", "-r other.txt",
     "--extra-index-url https://example.com"],
)  # fmt: skip
def test_what_is_not_pinned_is_a_fault(line):
    """Whoever serves the index or the address would choose what is installed."""
    packages, faults = audit.read_lock(f"{line}\n")
    assert packages == []
    assert len(faults) == 1


def test_a_package_without_hashes_is_a_fault():
    """Or with one that is cut off."""
    packages, faults = audit.read_lock("numpy==2.4.6 \\\n    --hash=sha256:abc\n")
    assert faults == []
    assert "numpy: no hash" in audit.faults_of(packages)


def test_the_bill_names_every_package(tmp_path, capsys):
    """With its version, its hashes and its licence, as CycloneDX has it."""
    assert audit.main([str(tmp_path / "dist" / "bom.json")]) == 0
    bill = json.loads((tmp_path / "dist" / "bom.json").read_text(encoding="utf-8"))
    packages, _ = audit.read_lock((PROJECT / "requirements.lock").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert len(bill["components"]) == len(packages)
    assert all(each["properties"] for each in bill["components"])
    assert f"{len(packages)} packages" in capsys.readouterr().out


def test_every_action_is_pinned_by_its_hash():
    """A tag can be moved to other code; the tag stands beside the hash, for people."""
    for file in (PROJECT / ".github" / "workflows").glob("*.yml"):
        uses = re.findall(r"uses: *(.*)", file.read_text(encoding="utf-8"))
        assert uses
        for each in uses:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v[\d.]+", each), each
