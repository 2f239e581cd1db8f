from pathlib import Path
from typing import Any

import pytest

from momentum_kit.config import BrokerSettings, ClockSettings, Config, Thresholds, export_hash, judged_settings
from momentum_kit.errors import GuardRefused
from momentum_kit.research import code_version
from momentum_kit.runtime.doctor.finding import Grade
from momentum_kit.runtime.doctor.machine_checks import strategy
from momentum_kit.runtime.ownership import (
    Restriction,
    StateFolder,
    clear_phrase,
    prove_account,
    prove_same_account,
    prove_strategy,
    release_kill,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """A state folder below a temporary home."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    found = StateFolder("any")
    found.create()
    return found


def paper(**broker: object) -> Config:
    """A paper configuration."""
    return Config(environment="paper", broker=BrokerSettings.model_validate(broker))


def test_the_only_account_is_taken(folder: StateFolder) -> None:
    """Without a name the gateway's only account is traded."""
    assert prove_account(paper(), ("DU1",), folder) == "DU1"


def test_live_credentials_under_a_paper_configuration_are_refused(folder: StateFolder) -> None:
    """An account that is not a paper account is never traded by a paper configuration."""
    with pytest.raises(GuardRefused, match="does not start with DU"):
        prove_account(paper(), ("U123",), folder)


@pytest.mark.parametrize("accounts", [(), ("DU1", "DU2")])
def test_an_ambiguous_account_is_refused(folder: StateFolder, accounts: tuple[str, ...]) -> None:
    """With no account, or several and none named, nothing is chosen."""
    with pytest.raises(GuardRefused, match="name one"):
        prove_account(paper(), accounts, folder)


def test_a_named_account_must_be_served(folder: StateFolder) -> None:
    """A typed account that the gateway does not serve is a contradiction."""
    with pytest.raises(GuardRefused, match="not served"):
        prove_account(paper(account="DU9"), ("DU1",), folder)


def test_a_latched_kill_refuses(folder: StateFolder) -> None:
    """A killed account trades again only after a human cleared it."""
    folder.latch(Restriction("kill", "by test"))
    with pytest.raises(GuardRefused, match="kill switch"):
        prove_account(paper(), ("DU1",), folder)


def test_live_needs_a_typed_account_and_arming(folder: StateFolder) -> None:
    """Live refuses an unnamed account, and a named one that is not armed."""
    live = Config(environment="live", broker=BrokerSettings(port=4001, account_prefix="U"), clock=ClockSettings())
    with pytest.raises(GuardRefused, match="typed"):
        prove_account(live, ("U1",), folder)
    named = live.model_copy(update={"broker": BrokerSettings(port=4001, account_prefix="U", account="U1")})
    with pytest.raises(GuardRefused, match="not armed"):
        prove_account(named, ("U1",), folder)


def test_a_gateway_that_comes_back_must_serve_the_same_account() -> None:
    """After a lost connection the session goes on with its own account or not at all."""
    assert prove_same_account("DU1", ("DU0", "DU1")) == "DU1"
    with pytest.raises(GuardRefused, match="not DU1"):
        prove_same_account("DU1", ("DU2",))


def test_a_kill_is_cleared_by_the_typed_phrase_alone(folder: StateFolder) -> None:
    """Without a latch nothing is asked; with one nothing but the sentence, letter by letter, releases it."""
    assert release_kill(folder, "DU1", "") == "nothing was latched"
    folder.latch(Restriction("kill", "by test"))
    for typed in ("", "yes", "trade DU2 again", clear_phrase("DU1").upper()):
        with pytest.raises(GuardRefused, match="trade DU1 again"):
            release_kill(folder, "DU1", typed)
    with folder.own(), pytest.raises(GuardRefused, match="still owns"):
        release_kill(folder, "DU1", clear_phrase("DU1"))
    assert folder.killed
    assert release_kill(folder, "DU1", clear_phrase("DU1")) == "cleared: by test"
    assert not folder.killed


def exported(code: str) -> Thresholds:
    """Thresholds as research exports them, judged with the defaults."""
    content: dict[str, Any] = {"name": "mine", "export": {
        "exit_rule": "live", "first_day": "2026-01-05", "last_day": "2026-06-30", "code_version": code, "trials": 3,
        "dsr": None, "pbo": None, "verdict": "accept", "signals_per_session": 3.5, "signals_per_session_low": 2.5,
        "signals_per_session_high": 4.5, "signals_dispersion": 1.2,
        "judged": judged_settings(Config(environment="sim")), "hash": "",
    }}  # fmt: skip
    content["export"]["hash"] = export_hash(content)
    return Thresholds.model_validate(content)


def test_real_money_trades_nothing_but_what_was_judged() -> None:
    """Each departure by name, other code too; smaller is free, and paper is told what live would be refused for."""
    live = {"environment": "live", "broker": {"port": 4001, "account_prefix": "U"}}
    thresholds = exported("0.1.0+src.abc")
    smaller = Config(**live, thresholds=thresholds, risk={"max_order_notional_usd": 500})  # type: ignore[arg-type]
    assert prove_strategy(smaller, "0.1.0+src.abc") == ()
    with pytest.raises(GuardRefused, match=r"the code that decides is 0\.1\.0\+src\.def, judged was 0\.1\.0\+src\.abc"):
        prove_strategy(smaller, "0.1.0+src.def")
    larger = Config(**live, thresholds=thresholds, risk={"max_order_notional_usd": 99_000})  # type: ignore[arg-type]
    with pytest.raises(GuardRefused, match=r"risk\.max_order_notional_usd is 99000, judged with at most 10000"):
        prove_strategy(larger, "0.1.0+src.abc")
    on_paper = Config(environment="paper", thresholds=thresholds, risk={"max_order_notional_usd": 99_000})  # type: ignore[arg-type]
    assert len(prove_strategy(on_paper, "0.1.0+src.def")) == 2
    assert prove_strategy(Config(environment="paper"), "0.1.0+src.def") == ()


def test_the_doctor_tells_what_departs_from_the_judged() -> None:
    """A warning on paper, a problem where money is real, and nothing of thresholds of a hand."""
    thresholds = exported(code_version())
    paper_found = strategy(Config(environment="paper", thresholds=thresholds))
    assert paper_found is not None
    assert (paper_found.grade, paper_found.found) == (Grade.OK, "mine: accept, judged on 2026-01-05 to 2026-06-30")
    wide = Config(environment="paper", thresholds=thresholds, exits={"time_stop_s": 9000})  # type: ignore[arg-type]
    told = strategy(wide)
    assert told is not None
    assert (told.grade, "exits.time_stop_s is 9000" in told.found) == (Grade.WARNING, True)
    assert strategy(Config(environment="paper")) is None
