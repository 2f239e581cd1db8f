"""Faults: what was read wrongly, the costliest first; a harmful headline that would be bought leads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from momentum_kit.research.evaluation.judged import Judged
from momentum_kit.research.evaluation.labels import LabelledPair

HARMFUL_BOUGHT = "harmful, would be bought"
COMPANY_FALSE = "company false"
DILUTION_MISSED = "dilution missed"
STORIES_JOINED = "different stories joined"
HARMFUL_NOT_BARRED = "harmful not barred"
RECAP_NOT_BARRED = "recap not barred"
TIE_BELIEVED = "another's tie believed"
SUBJECT_WRONG = "subject wrong"
SUBJECT_MISSED = "subject missed"
TIE_REFUSED = "own tie refused"
HARMLESS_BARRED = "harmless barred"
CATALYST_WRONG = "catalyst wrong"
STORY_NOT_JOINED = "one story told twice"

COSTLIEST_FIRST = (
    HARMFUL_BOUGHT, COMPANY_FALSE, DILUTION_MISSED, STORIES_JOINED, HARMFUL_NOT_BARRED, RECAP_NOT_BARRED, TIE_BELIEVED,
    SUBJECT_WRONG, SUBJECT_MISSED, TIE_REFUSED, HARMLESS_BARRED, CATALYST_WRONG, STORY_NOT_JOINED,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Misreading:
    """One headline or pair with what is wrong about its reading, the costliest first; expected and read in words."""

    key: str
    wrong: tuple[str, ...]
    text: str
    expected: str
    read: str

    def __str__(self) -> str:
        return f"{self.key}: {', '.join(self.wrong)}\n  {self.text}\n  expected {self.expected}; read {self.read}"


def find_faults(judged: Sequence[Judged], pairs: Sequence[LabelledPair], joined: Sequence[bool]) -> list[Misreading]:
    """Of all headlines and pairs, the costliest first, then in the order of the file."""
    found = [fault for each in judged if (fault := _of_headline(each))]
    for number, (pair, as_one) in enumerate(zip(pairs, joined, strict=True), start=1):
        if pair.same != as_one:
            found.append(
                Misreading(
                    key=f"pair {number}",
                    wrong=(STORIES_JOINED if as_one else STORY_NOT_JOINED,),
                    text=f"{pair.a} | {pair.b}",
                    expected=f"{'one story' if pair.same else 'two stories'} ({pair.why or 'unnamed'})",
                    read="one story" if as_one else "two stories",
                )
            )
    return sorted(found, key=lambda fault: COSTLIEST_FIRST.index(fault.wrong[0]))


def _of_headline(judged: Judged) -> Misreading | None:
    wrong = tuple(_wrong(judged))
    if not wrong:
        return None
    label, match = judged.label, judged.reading.match
    expected = ["/".join(label.catalysts) or "no catalyst labelled", *(["barred"] if label.bar else [])]
    read = [judged.kind, f"rule {match.rule}", *(["barred"] if judged.barred else [])]
    return Misreading(
        key=label.key,
        wrong=tuple(sorted(wrong, key=COSTLIEST_FIRST.index)),
        text=label.text,
        expected=f"{label.subject or ' '.join(sorted(label.tickers or ())) or 'no company'}, {', '.join(expected)}",
        read=f"{' '.join(mention.symbol for mention in judged.reading.mentions) or 'no company'}, {', '.join(read)}",
    )


def _wrong(judged: Judged) -> Iterator[str]:
    label = judged.label
    if label.bar and not judged.barred:
        yield HARMFUL_BOUGHT if judged.found else HARMFUL_NOT_BARRED
    if judged.false:
        yield COMPANY_FALSE
    if label.dilution and not judged.dilution:
        yield DILUTION_MISSED
    if label.late and not judged.barred:
        yield RECAP_NOT_BARRED
    if judged.other_refused is False:
        yield TIE_BELIEVED
    if label.subject and label.subject not in judged.found:
        yield SUBJECT_MISSED
    elif label.subject and judged.reading.subject != label.subject:
        yield SUBJECT_WRONG
    if judged.own_kept is False:
        yield TIE_REFUSED
    if label.bar is False and judged.barred and judged.found:
        yield HARMLESS_BARRED
    if judged.expected and judged.expected != judged.kind and label.tickers != frozenset():
        yield CATALYST_WRONG
