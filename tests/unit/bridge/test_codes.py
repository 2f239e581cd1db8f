"""The table of broker codes as shipped, and what a user may do with it."""

import json
from pathlib import Path

import pytest

from momentum_kit.bridge import load_codes
from momentum_kit.bridge.codes import Action, Context, Meaning
from momentum_kit.errors import ConfigError

TABLE = load_codes(Path(__file__).parents[3] / "config" / "error_codes.yaml")


@pytest.mark.parametrize(
    ("codes", "context", "meaning"),
    [
        ((2104, 2106, 2107, 2108, 2119, 2158, 2100, 2152, 165), "connection", Meaning.INFO),
        ((300, 366), "request", Meaning.INFO),
        ((501,), "connection", Meaning.INFO),
        ((10168, 10172, 10314, 10329), "request", Meaning.REQUEST_FAILED),
        ((387, 460, 10311), "order", Meaning.CANCEL_VERDICT),
        ((10167, 10089, 10090, 10091, 492), "request", Meaning.DATA_ADVISORY),
        ((399, 404, 481, 2109, 2137, 2161, 2168, 2169, 10349, 105), "order", Meaning.WARNING),
        ((162, 200, 320, 321, 322, 354, 386, 10182, 10186), "request", Meaning.REQUEST_FAILED),
        ((10187, 10189, 10190, 10225, 420, 430, 10276, 10277), "request", Meaning.REQUEST_FAILED),
        ((201, 202, 203, 107, 111, 116, 133, 154, 160), "order", Meaning.ORDER_DEAD),
        ((163, 388, 434, 10243, 10318, 200), "order", Meaning.ORDER_DEAD),
        ((104, 136, 161, 10147, 10148, 110, 321, 135, 10006), "order", Meaning.CANCEL_VERDICT),
        ((329, 10326, 109, 383, 451), "order", Meaning.CANCEL_VERDICT),
        ((103, 512, 515, 10329), "order", Meaning.UNKNOWN),
        ((2102,), "order", Meaning.RETRY_LATER),
        ((100,), "connection", Meaning.RETRY_LATER),
        ((326, 502, 503, 504, 507, 509, 1300), "connection", Meaning.CONNECTION_FATAL),
        ((1100, 2110), "connection", Meaning.CONNECTION_LOST),
        ((1101, 1102), "connection", Meaning.INFO),
        ((10197,), "request", Meaning.SESSION_CONFLICT),
        ((2103, 2105, 2157), "connection", Meaning.WARNING),
    ],
)
def test_known_codes_mean_what_is_documented(codes: tuple[int, ...], context: Context, meaning: Meaning) -> None:
    """The classes of the broker's codes, each in the place where it appears."""
    assert {code: TABLE.verdict(code, context).meaning for code in codes} == dict.fromkeys(codes, meaning)


@pytest.mark.parametrize("code", [2098, 2199, 99, 499, 10999, 1103])
@pytest.mark.parametrize("context", ["request", "order", "connection"])
def test_an_unknown_code_is_never_guessed_at(code: int, context: Context) -> None:
    """Neighbouring numbers say nothing: what is not in the table is unknown."""
    verdict = TABLE.verdict(code, context)
    assert (verdict.meaning, verdict.action) == (Meaning.UNKNOWN, Action.NONE)
    assert "reconcile" in verdict.advice


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("Historical Market Data Service error message:HMDS query returned no data: AAPL@SMART Trades", Action.NO_DATA),
        ("Historical Market Data Service error message:Historical data request pacing violation", Action.PACING),
        ("Historical Market Data Service error message:API historical data query cancelled: 5", Action.NONE),
        ("Historical Market Data Service error message:Time length exceed max.", Action.FAIL),
    ],
)
def test_162_is_told_apart_by_its_text(text: str, action: Action) -> None:
    """One code, four stories."""
    assert TABLE.verdict(162, "request", text).action is action


def test_202_with_a_price_check_is_a_rejection() -> None:
    """The normal confirmation of a cancel and a refusal share a number."""
    assert TABLE.verdict(202, "order", "Order Canceled - reason:").advice == "cancelled"
    assert "rejected" in TABLE.verdict(202, "order", "Order price is too far through the market").advice


@pytest.mark.parametrize(
    ("code", "text", "preset"),
    [
        (109, "Price is out of the range defined by the Percentage setting at order defaults frame.", "Percentage"),
        (383, 'The following order "ID:7" size exceeds the Size Limit of 500.', "Size Limit"),
        (
            451,
            'The following order "ID:329" value estimate exceeds the Total Value Limit of 100,000 USD.',
            "Total Value",
        ),
    ],
)
def test_a_refusal_by_a_preset_names_the_preset(code: int, text: str, preset: str) -> None:
    """The gateway refuses a new order and leaves a changed one as it was; a person reads which setting to raise."""
    verdict = TABLE.verdict(code, "order", text)
    assert verdict.meaning is Meaning.CANCEL_VERDICT
    assert f"preset {preset}" in verdict.advice


def test_every_recorded_code_is_known(shared_data: Path) -> None:
    """What a live gateway said, where it said it."""
    content = json.loads((shared_data / "gateway" / "transcripts.json").read_text(encoding="utf-8"))
    said = [
        step["fields"] for one in content["transcripts"] for step in one["steps"] if step.get("server") == "api_error"
    ]
    assert len(said) >= 20
    for fields in said:
        contexts: tuple[Context, ...] = ("connection",) if fields["req_id"] == -1 else ("request", "order")
        assert any(TABLE.verdict(int(fields["code"]), each).meaning is not Meaning.UNKNOWN for each in contexts), fields


@pytest.mark.parametrize(
    ("code", "context", "setting"),
    [
        (10089, "request", "Market Data Subscriptions"),
        (10168, "request", "Market Data Subscriptions"),
        (460, "order", "Trading Permissions"),
        (10311, "order", "Precautions"),
        (326, "connection", "broker.client_id"),
        (101, "request", "broker.market_data_lines"),
    ],
)
def test_a_setting_that_is_the_remedy_is_named(code: int, context: Context, setting: str) -> None:
    """A person reads where to go."""
    assert setting in TABLE.verdict(code, context).advice


@pytest.mark.parametrize(
    ("code", "words"),
    [(110, "grid of the market rule"), (329, "type cannot be changed"), (10326, "OCA group"), (2161, "mktCapPrice")],
)
def test_what_can_be_mended_is_said(code: int, words: str) -> None:
    """The one correction of a refused stop, and what a capped price means, begin with the code's own advice."""
    assert words in TABLE.verdict(code, "order").advice


def test_the_users_rule_above_decides(tmp_path: Path) -> None:
    """The table is the user's to extend: the first rule that fits wins."""
    file = tmp_path / "codes.yaml"
    file.write_text(
        "- {codes: [4711], context: order, meaning: warning, advice: ours}\n- {codes: [4711], meaning: info}\n"
    )
    table = load_codes(file)
    assert table.verdict(4711, "order").meaning is Meaning.WARNING
    assert table.verdict(4711, "request").meaning is Meaning.INFO


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid YAML"),
        ("codes: 1", "expected a list"),
        ("- {codes: [1], meaning: fine}", "rule 1: meaning"),
        ("- {codes: [1], meaning: info, extra: 1}", "rule 1: extra"),
        ("- {codes: [1], meaning: info, when: '('}", "rule 1: when"),
    ],
)
def test_a_broken_table_is_refused_in_one_line(tmp_path: Path, content: str, words: str) -> None:
    """The line names the file, the rule and what is wrong with it."""
    file = tmp_path / "codes.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_codes(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    """No file, no session."""
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load_codes(tmp_path / "none.yaml")


def test_without_a_project_the_table_beside_the_package_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A working folder outside any project still has a code table."""
    monkeypatch.chdir(tmp_path)
    assert load_codes().verdict(326, "connection").meaning is Meaning.CONNECTION_FATAL


def test_the_projects_table_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a project has its table."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "base.yaml").write_text("")
    (tmp_path / "config" / "error_codes.yaml").write_text("- {codes: [326], meaning: info}\n")
    monkeypatch.chdir(tmp_path)
    assert load_codes().verdict(326, "connection").meaning is Meaning.INFO
