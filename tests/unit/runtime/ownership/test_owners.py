from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from momentum_kit.errors import GuardRefused, StorageError
from momentum_kit.runtime.ownership import owner_id, prove_only_owner


def test_an_owner_keeps_its_id_and_others_have_another(tmp_path: Path) -> None:
    """Also where several ask for the first time at once."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(owner_id, [tmp_path / "here"] * 8))
    assert found == {owner_id(tmp_path / "here")}
    assert found.isdisjoint({owner_id(tmp_path / "elsewhere")})
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["owner-id"]


def test_an_id_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    """A file that is not ours, and a folder that is none."""
    (tmp_path / "owner-id").write_text("mine")
    with pytest.raises(StorageError, match="holds no owner's id"):
        owner_id(tmp_path)
    with pytest.raises(StorageError, match="cannot keep"):
        owner_id(tmp_path / "owner-id" / "below")


def test_orders_of_an_engine_elsewhere_are_seen() -> None:
    """Ours, a person's, and those that name no owner say nothing; another owner's refuse, in words."""
    ours = ["mk-0a1b2c-9f8e7d6c5b4a", "", "manual", "mk-9f8e7d6c5b4a39281706f5e4d3c2b1a0"]
    prove_only_owner(ours, "0a1b2c")
    with pytest.raises(GuardRefused, match=r"owner c0ffee; this one is 0a1b2c"):
        prove_only_owner([*ours, "mk-c0ffee-9f8e7d6c5b4a"], "0a1b2c")
