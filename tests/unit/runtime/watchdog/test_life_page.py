import os

from momentum_kit.runtime.watchdog import LifePage


def test_both_sides_see_beats_marks_and_the_end() -> None:
    """What one process writes on the page the other reads, also once the first one cannot say anything any more."""
    ours = LifePage.create()
    theirs = LifePage(os.dup(ours.descriptor))
    assert (theirs.beats, theirs.marked, theirs.over) == (0, "", False)
    ours.beat()
    ours.beat()
    ours.mark("abc 'Zürich: a headline'")
    assert (theirs.beats, theirs.marked) == (2, "abc 'Zürich: a headline'")
    ours.mark("short")
    assert theirs.marked == "short"
    ours.mark("")
    ours.end()
    assert (theirs.marked, theirs.over) == ("", True)
    ours.close()
    theirs.close()


def test_a_mark_of_any_length_stays_on_its_page() -> None:
    """Too long a text is cut, half a character of it included, and touches neither beats nor end."""
    page = LifePage.create()
    page.beat()
    page.mark("€" * 5_000)
    assert page.marked.startswith("€€€")
    assert len(page.marked) < 400
    assert (page.beats, page.over) == (1, False)
    page.close()
