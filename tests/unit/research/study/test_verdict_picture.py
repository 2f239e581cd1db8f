import dataclasses
import math
from xml.etree import ElementTree

import pytest

from momentum_kit.research.study.verdict_page import markdown, page, to_html
from momentum_kit.research.study.verdict_picture import glance, in_words, verdict_svg
from momentum_kit.research.validation import Check, Evidence, judge
from momentum_kit.research.validation.bootstraps import Band
from momentum_kit.research.validation.evidence import UNKNOWN, Pbo, SharpeEvidence, SignalRate, SpaTest, Unseen
from tests.unit.research.validation.conftest import PLANTED

SVG = "{http://www.w3.org/2000/svg}"


def evidence_of(**changes) -> Evidence:
    """Evidence that answers every question, unless changed."""
    from datetime import date

    band = Band(estimate=30.0, low=12.0, high=48.0, p_value=0.01, level=0.95)
    unseen = Unseen(band=band, fills=200, judged=10, positive=8, idle=0)
    known = Evidence(
        candidate=PLANTED, exit_rule="live", first_day=date(2025, 1, 2), last_day=date(2025, 6, 30), days=120,
        events=4000, signals=400, fills=380, cells=80, in_sample=band, se_bps=8.0, walk_forward=unseen,
        cross_validated=unseen,
        sharpe=SharpeEvidence(
            by_day=0.2, psr=0.99, dsr=0.9, dsr_effective=0.93, trials=80, effective_trials=12.0, least_days=60.0
        ),
        pbo=Pbo(0.2, 0.1, 20), spa=SpaTest(p_value=0.01, lower=0.01, upper=0.02, p_white=0.02, cells=80),
        gross_bps=60.0, break_even=2.1, rate=SignalRate(mean=3.0, low=2.0, high=4.0, dispersion=1.1),
        stressed={"costs x 2": band, "latency x 5": band},
    )  # fmt: skip
    return dataclasses.replace(known, **changes)


def marks(svg: str) -> dict[str, int]:
    """Circles, crosses and question marks of the picture."""
    root = ElementTree.fromstring(svg)
    crosses = [line for line in root.iter(f"{SVG}line") if line.get("x1") != line.get("x2")
               and line.get("y1") != line.get("y2")]  # fmt: skip
    return {
        "yes": sum(1 for each in root.iter(f"{SVG}circle") if each.get("r") == "6"),
        "no": len(crosses) // 2,
        "unknown": sum(1 for each in root.iter(f"{SVG}text") if each.text == "?"),
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"break_even": 0.4, "pbo": Pbo(0.6, 0.5, 20)},
        {"sealed": Band(estimate=-12.0, low=-40.0, high=9.0, p_value=0.9, level=0.95), "sealed_fills": 40},
        {"days": 12, "fills": 4, "cross_validated": Unseen(band=UNKNOWN, fills=0, judged=0, positive=0, idle=0)},
        {"candidate": None, "break_even": math.nan, "in_sample": UNKNOWN, "stressed": {}},
    ],
)
def test_every_question_has_its_mark(changes):
    """On its side of the cut-off, in a shape of its own, or a question mark with the reason; valid XML as it is."""
    evidence = evidence_of(**changes)
    verdict = judge(evidence)
    svg = verdict_svg(verdict, evidence)
    asked = [check.passed for check in verdict.checks]
    assert marks(svg) == {"yes": asked.count(True), "no": asked.count(False), "unknown": asked.count(None)}
    root = ElementTree.fromstring(svg)
    words = {each.text for each in root.iter(f"{SVG}text")}
    assert {check.question for check in verdict.checks} <= words
    assert root.get("aria-label") == in_words(verdict)


def test_an_answer_lies_on_its_side_and_the_further_the_clearer():
    """Left of the cut-off what fails, right of it what passes."""
    svg = ElementTree.fromstring(verdict_svg(judge(evidence_of(break_even=9.0)), evidence_of()))
    circles = [float(each.get("cx", "0")) for each in svg.iter(f"{SVG}circle") if each.get("r") == "6"]
    assert min(circles) > 466
    assert max(circles) < 622
    near, far = (judge(evidence_of(break_even=times)).checks[3] for times in (1.3, 2.9))
    assert 0 < near.score < far.score < 1
    assert judge(evidence_of(break_even=0.6)).checks[3].score == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("passed", "score", "signs"),
    [
        (True, 0.01, ".....|o...."), (True, 7.0, ".....|....o"), (False, -0.01, "....x|....."),
        (False, -3.0, "x....|....."), (None, math.nan, ".....?....."),
    ],
)  # fmt: skip
def test_a_plain_screen_has_the_same_in_signs(passed, score, signs):
    """The cut-off in the middle."""
    assert glance(Check(question="?", found="", wanted="", passed=passed, score=score)) == signs


def test_the_picture_stands_before_the_tables_of_the_page():
    """In HTML it is inside, in Markdown it is the file beside it."""
    evidence = evidence_of()
    verdict = judge(evidence)
    kinds = [block.kind for block in page(verdict, evidence, 10_000.0)]
    assert kinds.index("picture") < kinds.index("table")
    assert "<svg" in to_html(verdict, evidence)
    assert "](verdict.svg)" in markdown(verdict, evidence)
