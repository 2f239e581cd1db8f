"""`make mutants`: would the tests notice? Money bugs are planted one by one, and each must be caught by tests it names.

python -m tests.mutants.run [WORD ...]      only the mutants whose name has one of these words
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.bugs import MUTANTS
from tests.mutants.mutant import PACKAGE, PROJECT, Fate, Mutant, Outcome, Workshop


def run(mutants: Sequence[Mutant], workshop: Workshop) -> list[Outcome]:
    """Try each of them; progress goes to stderr."""
    outcomes = []
    for number, mutant in enumerate(mutants, 1):
        outcomes.append(workshop.try_out(mutant))
        sys.stderr.write(f"{number}/{len(mutants)} {outcomes[-1].fate}: {mutant.name}\n")
    return outcomes


def as_text(outcomes: Sequence[Outcome]) -> str:
    """The table and, as its last line, the sums."""
    rows = [("mutant", "where", "killed by", "s")]
    for each in outcomes:
        what = each.detail if each.fate is Fate.KILLED else f"{each.fate.upper()}: {each.detail}"
        where = f"{each.mutant.file}:{each.line}"
        rows.append((each.mutant.name, where, what.removeprefix("tests/"), f"{each.seconds:.1f}"))
    first, second, third = (max(len(row[column]) for row in rows) for column in range(3))
    lines = [f"{a:{first}}  {b:{second}}  {c:{third}}  {d:>5}" for a, b, c, d in rows]
    survived, stale = (sum(each.fate is fate for each in outcomes) for fate in (Fate.SURVIVED, Fate.STALE))
    return "\n".join([*lines, f"mutants: {len(outcomes)}, survived: {survived}, stale: {stale}"])


def main(words: Sequence[str], mutants: Sequence[Mutant] = MUTANTS, project: Path = PROJECT) -> int:
    """0 if every mutant is killed, and there is one."""
    chosen = [mutant for mutant in mutants if not words or any(word in mutant.name for word in words)]
    started = time.perf_counter()
    with Workshop(project) as workshop:
        if why := workshop.sound(test for mutant in chosen for test in mutant.tests):
            sys.stderr.write(f"{why}\nthe tests fail without any bug in {PACKAGE}\n")
            return 1
        outcomes = run(chosen, workshop)
    sys.stderr.write(f"{time.perf_counter() - started:.0f} s\n")
    sys.stdout.write(as_text(outcomes) + "\n")
    return 0 if outcomes and all(each.fate is Fate.KILLED for each in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
