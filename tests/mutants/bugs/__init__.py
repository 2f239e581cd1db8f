"""The planted bugs, by what they get wrong."""

from tests.mutants.bugs import (
    books,
    entries,
    evidence,
    exits,
    lists,
    looking_back,
    orders,
    outside,
    pages,
    protection,
    time_exits,
    trails,
    ways_out,
)

MUTANTS = tuple(
    mutant
    for subject in (
        evidence,
        lists,
        books,
        protection,
        exits,
        orders,
        entries,
        ways_out,
        outside,
        time_exits,
        trails,
        pages,
        looking_back,
    )
    for mutant in subject.MUTANTS
)
