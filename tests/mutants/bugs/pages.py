"""Bugs about who may command through the page, and about an account between two engines."""

from tests.mutants.bugs.node_ids import FOLLOWED, PAGE, PAGE_OUTSIDE, WATCHDOG
from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "the second step of a kill needs no first one",
        "notebook/page/page.py",
        "if given != step or monotonic() > until:",
        "if monotonic() > until and given == step:",
        PAGE("test_a_kill_needs_both_steps_and_each_word_once"),
    ),
    Mutant(
        "the cookie alone is a login",
        "notebook/page/logins.py",
        "            elif _same(key, login.key):\n",
        "            else:\n",
        PAGE("test_both_secrets_of_a_login_are_needed"),
    ),
    Mutant(
        "another page may ask",
        "notebook/page/page.py",
        'if any(origin.lower() != own for origin in request.headers.getall("Origin", [])):',
        "if False:",
        PAGE("test_another_page_is_refused_whatever_it_carries"),
    ),
    Mutant(
        "a name that was rebound is let in",
        "notebook/page/page.py",
        "if len(hosts) != 1 or hosts[0] not in self._hosts:",
        "if len(hosts) != 1:",
        PAGE("test_another_page_is_refused_whatever_it_carries"),
    ),
    Mutant(
        "the page resumes",
        "notebook/page/painter.py",
        'BUTTONS = ("pause", "reduce_only", "flatten")',
        'BUTTONS = ("pause", "reduce_only", "flatten", "resume")',
        PAGE("test_nothing_that_adds_risk_and_nothing_malformed_is_done"),
    ),
    Mutant(
        "the page is served to everybody in the clear",
        "notebook/page/page_address.py",
        "if not bound.is_loopback and self.certificate is None:",
        "if False:",
        PAGE("test_beyond_this_machine_nothing_is_served_in_the_clear"),
    ),
    Mutant(
        "a token that was replaced still lets in",
        "notebook/page/logins.py",
        "            self._logins.clear()\n",
        "",
        PAGE_OUTSIDE("test_a_new_token_ends_what_the_old_one_opened"),
    ),
    Mutant(
        "a kill that fails is under way for ever",
        "notebook/live_view/commands.py",
        '            self.outcome = CommandOutcome(f"{_name(what)} FAILED: {error}", "bad")\n',
        "            log.info(str(error))\n",
        PAGE_OUTSIDE("test_a_kill_that_went_wrong_says_so"),
    ),
    Mutant(
        "the account is free between an engine's death and the next one's word",
        "runtime/ownership/state_folder.py",
        "                if try_lock(lock):\n                    return lock\n",
        "                return lock\n",
        FOLLOWED("test_an_engine_that_dies_is_followed_by_one_that_owns_what_it_held"),
        quick=False,
    ),
    Mutant(
        "an engine that died is not followed",
        "runtime/watchdog/watchdog.py",
        'if word or self._order.then != "alert":',
        "if word:",
        WATCHDOG("test_an_engine_that_died_is_told_and_by_policy_or_word_followed_by_another"),
    ),
)
