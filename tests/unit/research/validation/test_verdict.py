import dataclasses
from datetime import date
from html.parser import HTMLParser

import pytest

from momentum_kit.research.study.verdict_page import markdown, to_html
from momentum_kit.research.validation import CUTOFFS, Evidence, judge, open_seal, seal, validate
from momentum_kit.research.validation.bootstraps import Band
from momentum_kit.research.validation.evidence import UNKNOWN, Opening
from momentum_kit.research.validation.overfitting import Pbo
from momentum_kit.research.validation.perturbations import Flip, usual_perturbations
from momentum_kit.research.validation.placebo import Placebo
from momentum_kit.research.validation.validation import with_openings
from momentum_kit.research.validation.verdict import Cutoffs, candidate_hash, chance_to_see

NAN = float("nan")


@pytest.fixture
def good(planted, swept, tmp_path) -> Evidence:
    """Evidence of a strong planted edge, before the seal."""
    study = seal(planted(events=4000, edge_bps=80), tmp_path / "seals.db")
    return validate(swept(study.table), study.table, perturbed=usual_perturbations(study.table), reps=400)


def band(p_value: float, estimate: float = 10.0) -> Band:
    """A mean with a p-value."""
    return Band(estimate=estimate, low=estimate - 5, high=estimate + 5, p_value=p_value, level=0.95)


def test_a_strong_edge_is_accepted_before_and_after_the_seal(planted, swept, tmp_path):
    """Every question is answered; the sealed days add one more."""
    study = seal(planted(events=4000, edge_bps=80), tmp_path / "seals.db")
    evidence = validate(swept(study.table), study.table, reps=400)
    before = judge(evidence)
    assert before.word == "accept", before.why
    assert study.sealed is not None
    after = judge(open_seal(evidence, study.sealed))
    assert after.word == "accept", after.why
    assert len(after.checks) == len(before.checks) + 1


def opening(evidence: Evidence, **changes) -> Opening:
    """A look at sealed days for this candidate that lost money."""
    assert evidence.candidate is not None
    known = Opening(
        at="2026-11-29T10:00:00+00:00", candidate=candidate_hash(evidence.candidate, evidence.exit_rule),
        code_version="0.1.0", first_day=date(2026, 8, 1), last_day=date(2026, 9, 1), net_bps=-12.0, low_bps=-40.0,
        high_bps=9.0, fills=40, standing=True,
    )  # fmt: skip
    return dataclasses.replace(known, **changes)


def test_a_seal_that_was_opened_and_failed_refuses_every_later_verdict(good):
    """Of this candidate by its own result, of another one by the same; a success or a replay confirms no other one."""
    assert judge(good).word == "accept"
    own = with_openings(good, (opening(good),))
    assert own.sealed is not None
    assert "-12.0 bps" in judge(own).why
    assert judge(own).word == "refuse"
    other = with_openings(good, (opening(good, candidate="sha256:another"),))
    assert (judge(other).word, other.sealed) == ("refuse", None)
    for net_bps in (30.0, NAN):
        lucky = judge(with_openings(good, (opening(good, candidate="sha256:another", net_bps=net_bps),)))
        assert lucky.word == "cannot tell"
        assert "not known: are the sealed days unseen" in lucky.why
    assert "What was opened before" in markdown(judge(other), other)


def test_an_opening_that_a_new_seal_has_followed_is_told_and_does_not_judge(good):
    """Its days teach again, and newer ones are sealed."""
    renewed = with_openings(good, (opening(good, standing=False),))
    assert judge(renewed).word == "accept"
    assert "-12.0 bps" in markdown(judge(renewed), renewed)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda e: {"spa": dataclasses.replace(e.spa, p_value=0.2)}, "could luck over all cells"),
        (
            lambda e: {"cross_validated": dataclasses.replace(e.cross_validated, band=band(0.3))},
            "days it was not chosen",
        ),
        (lambda e: {"walk_forward": dataclasses.replace(e.walk_forward, band=band(0.5))}, "walking forward"),
        (lambda e: {"sharpe": dataclasses.replace(e.sharpe, dsr_effective=0.5)}, "best of so many tries"),
        (lambda _: {"pbo": Pbo(0.6, 0.5, 9)}, "best of one half lose"),
        (lambda _: {"break_even": 1.05}, "all costs rise?: 1.05 x costs, wanted at least 1.2 x costs"),
        (lambda _: {"stressed": {"latency x 5": band(0.9, -4.0)}}, "survive latency x 5?: -4.0 bps"),
        (lambda _: {"sealed": band(0.9, -3.0)}, "sealed days?: -3.0 bps"),
        (lambda _: {"sealed": UNKNOWN}, "sealed days?: no fill"),
        (lambda _: {"candidate": None}, "does any plateau of cells stand out?: no"),
    ],
)
def test_one_answer_that_is_not_as_it_must_be_refuses(good, change, why):
    """Each cut-off alone is enough, and the reason says which one."""
    verdict = judge(dataclasses.replace(good, se_bps=5.0, **change(good)))
    assert verdict.word == "refuse"
    assert why in verdict.why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fills": 29}, "too little data: filled signals 29, at least 30 needed"),
        ({"days": 39}, "too little data: days with events 39"),
        ({"marks": ("IMPUTED: 12 of 90",)}, "guesses (IMPUTED)"),
        ({"pbo": Pbo(NAN, NAN, 1)}, "not known: how often does the best"),
        ({"break_even": 1.0, "se_bps": 40.0}, "13% chance to show an edge of 20 bps"),
    ],
)
def test_what_so_little_cannot_tell_is_said(good, change, why):
    """Too few fills or days, guessed times, unknown answers, and failures of data that could not have succeeded."""
    verdict = judge(dataclasses.replace(good, **change))
    assert verdict.word == "cannot tell"
    assert why in verdict.why


def test_the_cut_offs_are_fixed_beforehand():
    """They are frozen, and these are the ones that were calibrated."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        CUTOFFS.least_fills = 1
    assert Cutoffs() == Cutoffs(
        least_fills=30,
        least_days=40,
        max_spa_p=0.04,
        max_unseen_p=0.10,
        max_walk_forward_p=0.30,
        least_dsr=0.80,
        max_losing_halves=0.35,
        least_break_even=1.2,
        worth_bps=20.0,
        least_power=0.5,
    )


def test_the_chance_to_see_an_edge_grows_with_the_data():
    """Half, at 1.645 standard errors; nothing is known without one."""
    assert chance_to_see(1.645, 1.0) == pytest.approx(0.5, abs=1e-3)
    assert chance_to_see(20, 5) > chance_to_see(20, 10) > chance_to_see(20, 40) > 0.05
    assert chance_to_see(20, NAN) != chance_to_see(20, NAN)


def test_the_page_says_the_word_the_marks_and_the_costs_first(good):
    """Word, reason, IMPUTED and survivorship, then costs and latency; then what is known and what is not."""
    evidence = dataclasses.replace(
        good,
        marks=("BARS 60 s", "SURVIVORSHIP: 12 of 400 headlines matched nothing", "IMPUTED: 12 of 90"),
        stressed={"costs x 2": band(0.4, 3.0), "latency x 5": band(0.2, 6.0)},
        placebo=Placebo(real_bps=30.0, real_signals=90, placebo_bps=(-20.0, NAN, 4.0), placebo_signals=(80, 0, 90)),
    )
    text = markdown(judge(evidence), evidence)
    order = [
        "# Verdict: cannot tell", "> **IMPUTED: 12 of 90: nobody recorded", "would have made the result worse",
        "BARS 60 s", "verdict before the seal", "## After costs", "costs x 2", "latency x 5 | +6.0",
        "before costs (never earned)",
        "## What was asked", "## How sure", "configurations were tried", "Walk-forward",
        "## What it would cost to be wrong", "USD a month", "## What these data cannot tell", "change of regime",
        "## Would it have flipped?", "a tick lower",
        "## Placebo headlines", "-20.0 to +4.0 bps", "## The candidate", "min_z_tod", "Exit rule a",
    ]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "nan" not in text
    assert "inf" not in text.replace("information", "")


class Tags(HTMLParser):
    """Collects what a browser would have to fetch, and whether every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag, attrs):
        """Note links and sources."""
        self.fetched += [value for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Every tag closes the last one opened."""
        assert self.open.pop() == tag


def test_the_html_page_stands_alone_and_escapes_what_it_is_given(good):
    """Nothing is fetched, every tag is closed, and a mark cannot become markup."""
    evidence = dataclasses.replace(good, marks=("IMPUTED <script>alert(1)</script>",))
    page = to_html(judge(evidence), evidence)
    tags = Tags()
    tags.feed(page)
    assert (tags.open, tags.fetched) == ([], [])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_page_without_a_candidate_makes_nothing_up(planted, swept):
    """Where nothing stands out, the page says so in words and no number is invented."""
    table = planted(edge_bps=-40, events=300, days=50)
    evidence = validate(swept(table), table, reps=200)
    verdict = judge(evidence)
    text = markdown(verdict, evidence)
    assert verdict.word != "accept"
    assert "no cell stands out" in text
    assert "nan" not in text


def test_a_flip_share_is_of_all_that_signal_in_either_world():
    """Three lost and one gained of ten and one."""
    assert Flip(change="x", signals=10, lost=3, gained=1).share == pytest.approx(4 / 11)
    assert Flip(change="x", signals=0, lost=0, gained=0).share == 0


def test_evidence_knows_its_days(good):
    """First and last open day, for the export."""
    assert good.first_day >= date(2025, 6, 2)
    assert good.last_day < date(2025, 11, 9)
