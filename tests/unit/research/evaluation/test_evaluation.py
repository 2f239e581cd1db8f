import json
import math
from pathlib import Path

import pytest

from momentum_kit.errors import InputError
from momentum_kit.research import evaluate_headlines
from momentum_kit.research.evaluation import Evaluation, Share

ROOT = Path(__file__).resolve().parents[4]
MASTER = "symbol,name\nNWTX,Northwind Therapeutics Inc\nBRLA,Borealis Airframes Corp\nAMD,Advanced Micro Devices Inc\n"


@pytest.fixture
def evaluated(tmp_path, monkeypatch):
    """Evaluates rows as a session of the simulation's configuration would, with a master of three companies."""
    monkeypatch.chdir(ROOT)
    (tmp_path / "master.csv").write_text(MASTER)

    def evaluated(*rows: dict, pairs: tuple[dict, ...] = (), shown: int = 20) -> Evaluation:
        (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
        return evaluate_headlines(
            tmp_path / "rows.jsonl",
            tmp_path / "pairs.jsonl" if pairs else None,
            config=Path("config/sim.yaml"),
            symbols=tmp_path / "master.csv",
            shown=shown,
        )

    return evaluated


OFFERING = {
    "id": 1, "text": "Northwind Therapeutics (NASDAQ: NWTX) Prices Public Offering", "provider": "BZ", "source": "a",
    "tickers": ["NWTX"], "subject": "NWTX", "catalyst": "offering", "dilution": True, "bar": True, "late": False,
}  # fmt: skip
MISREAD = OFFERING | {"id": 2, "text": "Borealis Airframes (NASDAQ: BRLA) Builds A Plant", "source": "b", "late": True}
MACRO = {"id": 3, "text": "Eye clinics (NASDAQ: AMD) rejoice", "tickers": [], "subject": None, "catalyst": "other"}


def test_every_number_counts_what_it_says(evaluated):
    """Two headlines of one company, one of them labelled as what it is not, and one without a company."""
    found = evaluated(OFFERING, MISREAD, MACRO).summary()
    assert found["ticker_precision"] == 1 / 3  # of NWTX, BRLA and AMD
    assert found["ticker_recall"] == found["subject_accuracy"] == 1 / 2
    assert found["false_per_1000"] == 1_000
    assert found["dilution_recall"] == found["harmful_barred"] == 1 / 2
    assert found["recaps_barred"] == 0
    assert (found["headlines"], found["own_tapes"]["headlines"], found["listed"]) == (3, 2, 3)
    assert found["by_rule"]["exchange"]["precision"] == Share(1, 3).as_dict()
    assert found["by_rule"]["exchange"]["recall"] == Share(1, 2).as_dict()
    assert set(found["by_source"]) == {"a", "b", "unnamed"}
    # offering: one of two found and nothing else called so; the headline without a company is no case of a catalyst
    assert found["catalyst_macro_f1"] == pytest.approx(2 / 3)


def test_what_the_labels_do_not_carry_is_unknown(evaluated):
    """Neither 0 nor 1: nothing was measured."""
    found = evaluated({"text": "Northwind Therapeutics (NASDAQ: NWTX) Wins A Contract"}).summary()
    unknown = {name for name, value in found.items() if isinstance(value, float) and math.isnan(value)}
    assert unknown >= {
        "ticker_precision", "ticker_recall", "subject_accuracy", "false_per_1000", "dilution_recall", "harmful_barred",
        "recaps_barred", "catalyst_macro_f1", "distinct_kept", "ties_kept", "ties_refused", "harmless_barred",
    }  # fmt: skip


def test_either_of_two_right_catalysts_is_right(evaluated):
    """Where the labels allow another, that is no error and no miss of the first."""
    row = OFFERING | {"catalyst": "partnership", "alt": ["offering"], "dilution": None, "bar": None, "late": None}
    found = evaluated(row)
    assert found.summary()["catalyst_macro_f1"] == 1
    assert found.faults == []


def test_a_broker_ties_a_headline_to_the_right_and_to_the_wrong_company(evaluated):
    """Every headline of a company is read as one of its own feed, and of the feed of another company of the file."""
    other = OFFERING | {
        "id": 4,
        "text": "Borealis Airframes (BRLA) Lands Order",
        "tickers": ["BRLA"],
        "subject": "BRLA",
    }
    found = evaluated(OFFERING, other).scores
    assert (found.ties_kept, found.ties_refused) == (Share(2, 2), Share(2, 2))


def test_pairs_are_kept_apart_and_joined(evaluated):
    """Punctuation does not make another story; a number does."""
    pairs = (
        {
            "a": "Northwind Sells 2M Shares At $1",
            "b": "Northwind Sells 3M Shares At $1",
            "same": False,
            "why": "number",
        },
        {"a": "Northwind Names A Chairman", "b": "NORTHWIND NAMES A CHAIRMAN!", "same": True},
    )
    found = evaluated(OFFERING, pairs=pairs)
    assert (found.distinct_kept, found.same_joined) == (Share(1, 1), Share(1, 1))
    assert found.kept_by_difference == {"number": Share(1, 1)}


def test_the_costliest_faults_come_first(evaluated):
    """A harmful headline that would be bought stands above a company too many, and all is told in words."""
    harmless = {"id": 9, "text": "Northwind (NASDAQ: NWTX) Opens A Laboratory", "tickers": ["NWTX"], "catalyst": "fda"}
    faults = evaluated(harmless, MACRO, MISREAD).faults
    assert [(fault.key, fault.wrong[0]) for fault in faults] == [
        ("2", "harmful, would be bought"), ("3", "company false"), ("9", "catalyst wrong"),
    ]  # fmt: skip
    assert faults[0].read == "BRLA, other, rule none"
    assert faults[0].expected == "NWTX, offering, barred"


def test_a_blind_half_can_be_scored_without_a_look_at_its_errors(evaluated):
    """With none to be shown there are totals alone, in words and in numbers."""
    found = evaluated(OFFERING, MISREAD, shown=0)
    assert found.summary()["worst"] == []
    assert found.summary()["faults"] == 1
    assert "Builds A Plant" not in str(found)
    assert "subjects found" in str(found)


def test_headlines_among_the_pairs_are_refused(evaluated):
    """The file named for pairs holds pairs only."""
    with pytest.raises(InputError, match="holds headlines; expected pairs"):
        evaluated(OFFERING, pairs=(MACRO,))


@pytest.mark.parametrize(("share", "low", "high"), [((30, 30), 0.8865, 1.0), ((0, 1_000), 0.0, 0.0038)])
def test_wilsons_interval_says_something_of_all_and_of_none(share, low, high):
    """Thirty of thirty are not certainly all (figures as of scipy's binomtest)."""
    assert Share(*share).interval == pytest.approx((low, high), abs=5e-5)
