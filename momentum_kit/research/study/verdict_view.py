"""What `study.validate()` shows: the verdict on the best of a sweep, with everything it was judged by."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from momentum_kit.pages import Block, RenderedTable, Shown, Words
from momentum_kit.research.study.verdict_page import ANSWERS, page
from momentum_kit.research.study.verdict_picture import glance
from momentum_kit.research.validation import Evidence, Verdict


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Judgement(Shown):
    """verdict: the word and why. evidence: everything known. pages: kind (md, html) to the file that was written."""

    verdict: Verdict
    evidence: Evidence
    notional_usd: float
    pages: Mapping[str, Path]

    def conclusion(self) -> Words:
        """What to do with the candidate, why, and what these data could and could not show."""
        verdict, evidence = self.verdict, self.evidence
        words = {
            "accept": "Trade it on paper with these thresholds, then open the sealed days, once.",
            "refuse": "Do not trade it.",
            "cannot tell": "Do not trade it on this evidence, and do not bury it: collect more days, then ask again.",
        }
        facts = [f"The verdict is {verdict.word}: {verdict.why}."]
        if evidence.candidate is not None:
            band = evidence.in_sample
            facts.append(
                f"The centre of the plateau nets {band.estimate:+.0f} bps a fill over {evidence.fills} fills on the "
                f"{evidence.days} days it was chosen from, which says where to look and nothing more"
            )
            facts += [f"{name} leaves {worse.estimate:+.0f} bps" for name, worse in evidence.stressed.items()]
            if math.isfinite(evidence.break_even):
                facts.append(f"costs may rise to {evidence.break_even:.1f} times what is assumed")
        if math.isfinite(verdict.power):
            facts.append(f"an edge of {verdict.cutoffs.worth_bps:g} bps had a chance of {verdict.power:.0%} to show")
        return Words(f"**{words[verdict.word]}** {facts[0]} {'; '.join(facts[1:])}{'.' if facts[1:] else ''}")

    def summary(self) -> dict[str, Any]:
        """Plain values: the word, why, every check, and the candidate."""
        verdict, evidence = self.verdict, self.evidence
        candidate = evidence.candidate
        return {
            "verdict": verdict.word, "why": verdict.why, "power": verdict.power, "checks": verdict.checks,
            "candidate": candidate.model_dump(mode="json", exclude={"export"}) if candidate else None,
            "exit_rule": evidence.exit_rule, "marks": list(evidence.marks),
            "sealed_opened": evidence.sealed is not None,
            **{kind: str(file) for kind, file in self.pages.items()},
        }  # fmt: skip

    def blocks(self) -> list[Block]:
        """The verdict page."""
        return page(self.verdict, self.evidence, self.notional_usd)

    def __str__(self) -> str:
        checks = [
            (each.question, glance(each), each.found, each.wanted, ANSWERS[each.passed]) for each in self.verdict.checks
        ]
        evidence = self.evidence
        worse = [f"net under {name}: {band.estimate:+.1f} bps a fill" for name, band in evidence.stressed.items()]
        worse += [f"decisions that flip, {each.change}: {each.share:.0%} of {each.signals}" for each in evidence.flips]
        table = RenderedTable(("question", "at the cut-off", "found", "wanted", "passed"), checks).text()
        files = map(str, self.pages.values())
        return "\n".join(
            [f"{self.verdict.word}: {self.verdict.why}", *evidence.marks, "", table, "", *worse, "", *files]
        )
