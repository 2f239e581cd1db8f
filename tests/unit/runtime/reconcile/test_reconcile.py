"""A day's record against IB's statement of it; the statements are written by hand, from the format's description."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from momentum_kit.cli import main
from momentum_kit.errors import InputError
from momentum_kit.models.session import ConnectionHealth, EngineStatus, LinkState, TradingState
from momentum_kit.runtime.control import encode_status
from momentum_kit.runtime.reconcile import StatementCheck, check_statement
from tests.unit.runtime.reconcile.conftest import MORNING, NOON, SESSIONS, SLVT, VNTX, write_session

FRIDAY = date(2026, 11, 20)
PLANTED = {
    ("missing there", "ORDL"), ("missing here", "DWNE"), ("not ours", "PERS"), ("other time", "BRQS"),
    ("other price", "KLRM"), ("other commission", "KLRM"), ("fee billed apart", "BRQS"), ("other shares", "BRQS"),
    ("realised P&L differs", "SLVT"), ("position differs", "VNTX"),
}  # fmt: skip
FOLLOWING = {
    ("realised P&L differs", "BRQS"), ("position differs", "BRQS"), ("position differs", "DWNE"),
    ("realised P&L differs", "KLRM"), ("realised P&L differs", "ORDL"), ("position differs", "ORDL"),
}  # fmt: skip
SELL_SLVT = re.compile(r"<Trade [^>]*7100000008[^>]*/>")

Change = Callable[[Callable[[str], str]], Path]


@pytest.fixture
def changed(clean: Path, tmp_path: Path) -> Change:
    """The statement that agrees, with a change."""

    def write(change: Callable[[str], str]) -> Path:
        text = clean.read_text(encoding="utf-8")
        after = change(text)
        assert after != text
        file = tmp_path / "changed.xml"
        file.write_text(after, encoding="utf-8")
        return file

    return write


def kinds(check: StatementCheck) -> list[tuple[str, str]]:
    """What differs, without its numbers."""
    return [(each.kind, each.symbol) for each in check.comparison.differences]


def command(runs: Path, flex: Path, *more: str) -> int:
    """The command line for that Friday."""
    return main(["reconcile", "2026-11-20", "--flex", str(flex), "--runs", str(runs), *more])


def say_last(run_dir: Path, account: str) -> None:
    """The last snapshot of an engine that ended in order."""
    at = datetime(2026, 11, 20, 21, tzinfo=UTC)
    health = ConnectionHealth(socket=LinkState.DOWN, broker=LinkState.DOWN, farms={})
    status = EngineStatus(
        state=TradingState.STOPPED, reason="session over", environment="paper", account=account, market_time=at,
        started_at=at, health=health, counts={}, skips={}, queues={}, positions=(), realised_usd=0.0,
        unrealised_usd=0.0, costs_usd=0.0, run_dir=str(run_dir), pid=1,
    )  # fmt: skip
    (run_dir / "engine.json").write_text(encode_status(status), encoding="utf-8")


def test_a_statement_that_agrees_has_no_difference(runs: Path, clean: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two sessions, a correction, a position from the day before; other people's rows, lots and orders are no fills."""
    assert command(runs, clean) == 0
    told = capsys.readouterr().out
    assert "nothing differs" in told
    assert re.search(r"fills +8 +8\n", told)
    assert "1 trade of class CASH" in told
    assert command(runs, clean, "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["holds"]
    assert found["differences"] == []
    # 862 - 825 - 1.051; 1852.5 - 1890.25 - 1.3143; 570 - 541 - 1.0433; 160 - 151 - 1.02
    assert float(found["here"]["realised_usd"]) == pytest.approx(35.949 - 39.0643 + 27.9567 + 7.98)
    assert float(found["statement"]["realised_usd"]) == pytest.approx(float(found["here"]["realised_usd"]))


def test_ten_planted_differences_are_all_named_and_nothing_else(
    runs: Path, clean: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each once; profits and positions that follow from a planted fill are told as following."""
    planted = clean.with_name("planted.xml")
    assert command(runs, planted, "--json") == 1
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["differences"]
    assert sorted((each["kind"], each["symbol"]) for each in found if not each["follows"]) == sorted(PLANTED)
    assert sorted((each["kind"], each["symbol"]) for each in found if each["follows"]) == sorted(FOLLOWING)
    words = {(each["kind"], each["symbol"]): each["words"] for each in found}
    assert words["other commission", "KLRM"] == "here 1.05, there 1.34 USD"
    assert words["fee billed apart", "BRQS"].startswith("Consolidated Audit Trail Fee 0.0175 USD")
    assert "there sale of 240 at 7.41" in words["other shares", "BRQS"]
    assert words["position differs", "VNTX"] == "here 80 shares by fills since 2026-11-19, there 85"
    assert command(runs, planted) == 1
    assert "16 differences, 6 of them following from others" in capsys.readouterr().out


FORMATS = {
    "yyyy-MM-dd HH:mm:ss": ("{y}-{m}-{d}", "{y}-{m}-{d} {H}:{M}:{S}"),
    "MM/dd/yyyy;HHmmss": ("{m}/{d}/{y}", "{m}/{d}/{y};{H}{M}{S}"),
    "dd/MM/yy,HH:mm:ss": ("{d}/{m}/26", "{d}/{m}/26,{H}:{M}:{S}"),
    "dd-MMM-yy HHmmss": ("{d}-NOV-26", "{d}-NOV-26 {H}{M}{S}"),
    "no separator": ("{y}{m}{d}", "{y}{m}{d}{H}{M}{S}"),
    "the named zone": ("{y}{m}{d}", "{y}{m}{d};{H}{M}{S} America/New_York"),
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_dates_that_a_query_offers_is_read(form: str, runs: Path, changed: Change) -> None:
    """With and without separators, and with slashes either way round."""
    day, moment = FORMATS[form]

    def rewrite(text: str) -> str:
        text = re.sub(
            r'"(2026)(11)(\d\d);(\d\d)(\d\d)(\d\d) EST"',
            lambda m: '"' + moment.format(**dict(zip("ymdHMS", m.groups(), strict=True))) + '"',
            text,
        )
        return re.sub(r'"(2026)(11)(\d\d)"',
                      lambda m: '"' + day.format(**dict(zip("ymd", m.groups(), strict=True))) + '"', text)  # fmt: skip

    file = changed(rewrite) if form != "the named zone" else changed(lambda text: text.replace(" EST", " EST5EDT"))
    assert check_statement(FRIDAY, file, runs).holds


def test_times_of_another_zone_are_one_difference_that_the_zone_mends(runs: Path, changed: Change) -> None:
    """A statement that names no zone is read as New York's."""

    def later(match: re.Match[str]) -> str:
        return f'"20261120;{int(match[1]) + 6:02}{match[2]}"'

    file = changed(lambda text: re.sub(r'"20261120;(\d\d)(\d{4}) EST"', later, text))
    check = check_statement(FRIDAY, file, runs)
    assert kinds(check) == [("other time", "")]
    assert "by +6 h" in check.comparison.differences[0].words
    assert check_statement(FRIDAY, file, runs, zone=ZoneInfo("Europe/Berlin")).holds


def bust(text: str) -> str:
    """The sale of SLVT, cancelled."""
    sale = SELL_SLVT.search(text)
    assert sale
    cancel = (
        sale[0].replace('tradeID="7100000008"', 'tradeID=""').replace('quantity="-50"', 'quantity="50"')
        .replace('"SELL"', '"SELL (Ca.)"').replace("ExchTrade", "TradeCancel")
        .replace('origTradeID=""', 'origTradeID="7100000008"').replace('"-1.02"', '"1.02"')
        .replace('"32590000008"', '"32590000099"').replace('"00020a0e.691f2a4d.02.01"', '""')
        .replace('fifoPnlRealized="7.98"', 'fifoPnlRealized="0"')
    )  # fmt: skip
    return text.replace(sale[0], sale[0] + cancel)


def test_what_ib_took_back_is_named(runs: Path, changed: Change) -> None:
    """A busted sale leaves a position and another profit, which follow from it."""
    check = check_statement(FRIDAY, changed(bust), runs)
    assert kinds(check)[0] == ("cancelled there", "SLVT")
    assert all(each.follows for each in check.comparison.differences[1:])


def test_a_sale_that_both_have_undone_is_no_difference(runs: Path, changed: Change) -> None:
    """A session noticed the busted trade and undid it in its book: neither has the sale, both have the shares."""
    undone = ("undone-00020a0e.691f2a4d.02.01", "mk-0a1b2c-sl1", SLVT, "BUY", 50, 3.2, "2026-11-20 12:55:01", 0.0)
    write_session(runs / "2026-11-20T17-50-00Z", [undone])

    def bust_and_hold(text: str) -> str:
        held = re.search(r'<OpenPosition [^>]*symbol="VNTX"[^>]*levelOfDetail="SUMMARY"[^>]*/>', text)
        assert held
        more = (
            held[0].replace("VNTX", "SLVT").replace("510220303", str(SLVT[1])).replace('position="80"', 'position="50"')
        )
        return bust(text).replace(held[0], held[0] + more)

    assert kinds(check_statement(FRIDAY, changed(bust_and_hold), runs)) == []


def test_a_rebooking_that_changes_nothing_is_no_difference(runs: Path, changed: Change) -> None:
    """IB cancels and books anew under the same execution id, with the commission on the first row alone."""

    def rebook(text: str) -> str:
        sale = SELL_SLVT.search(text)
        assert sale
        cancel = sale[0].replace('"-50"', '"50"').replace('"SELL"', '"SELL (Ca.)"').replace("ExchTrade", "TradeCancel")
        cancel = cancel.replace('origTransactionID="0"', 'origTransactionID="32590000008"').replace('"-1.02"', '"0"')
        cancel = cancel.replace('"32590000008" buySell', '"32590000098" buySell').replace('"7.98"', '"0"')
        cancel = cancel.replace('ibExecID="00020a0e.691f2a4d.02.01"', 'ibExecID=""')
        again = sale[0].replace('"32590000008"', '"32590000099"').replace('"-1.02"', '"0"')
        return text.replace(sale[0], sale[0] + cancel + again)

    assert check_statement(FRIDAY, changed(rebook), runs).holds


def test_an_earlier_days_correction_is_named_where_it_changes_anything(runs: Path, changed: Change) -> None:
    """Thursday's purchase of VNTX, taken back and booked anew a cent dearer on Friday."""

    def correct(text: str) -> str:
        row = (
            '<Trade accountId="U7654321" assetCategory="STK" symbol="VNTX" conid="510220303" reportDate="20261120" '
            'dateTime="20261119;110212 EST" tradeDate="20261119" taxes="0" ibCommissionCurrency="USD" '
            'ibCommission="0" fifoPnlRealized="0" levelOfDetail="EXECUTION" orderReference="" '
        )
        cancel = (
            f'{row} transactionType="TradeCancel" buySell="BUY (Ca.)" quantity="-80" tradePrice="12.1" tradeID="" '
            'ibExecID="" origTradeID="7099999999" transactionID="1" />'
        )
        again = (
            f'{row} transactionType="ExchTrade" buySell="BUY" quantity="80" tradePrice="12.11" tradeID="7099999999" '
            'ibExecID="00018c55.691dd002.01.02" transactionID="2" />'
        )
        return text.replace("</Trades>", cancel + again + "</Trades>")

    (only,) = check_statement(FRIDAY, changed(correct), runs).comparison.differences
    assert (only.kind, only.symbol, only.exec_id) == ("earlier day corrected", "VNTX", "00018c55.691dd002.01")
    assert only.words == "IB changed a fill of 2026-11-19: +0 shares, commission +0, cash -0.80 USD"


def test_corrections_without_a_cancellation_count_once(runs: Path, changed: Change) -> None:
    """Two versions of one execution id: the higher last number stands, with its own commission."""
    cancel = re.compile(r"<Trade [^>]*TradeCancel[^>]*/>\n")

    def keep(text: str) -> str:
        text = cancel.sub("", text)
        return text.replace('ibCommission="0" ibCommissionCurrency="USD" netCash="1852.5"',
                            'ibCommission="-1.3143" ibCommissionCurrency="USD" netCash="1852.5"')  # fmt: skip

    assert check_statement(FRIDAY, changed(keep), runs).holds


def test_somebody_elses_trade_in_our_symbol_explains_profit_and_position(runs: Path, changed: Change) -> None:
    """Ten SLVT bought by hand in the evening: one difference, and a position that follows from it."""

    def buy(text: str) -> str:
        sale = SELL_SLVT.search(text)
        assert sale
        row = re.sub(r'(transactionID|tradeID|ibExecID|orderReference)="[^"]*"', r'\1=""', sale[0])
        row = row.replace('ibExecID=""', 'ibExecID="00025b46.691f7000.01.01"').replace('"-50"', '"10"')
        row = row.replace("124001", "170000").replace('"SELL"', '"BUY"').replace('"7.98"', '"0"')
        return text.replace(sale[0], sale[0] + row).replace("</OpenPositions>", (
            '<OpenPosition accountId="U7654321" assetCategory="STK" symbol="SLVT" conid="404400504" position="10" '
            'levelOfDetail="SUMMARY" /></OpenPositions>'))  # fmt: skip

    told = check_statement(FRIDAY, changed(buy), runs).comparison.differences
    assert [(each.kind, each.symbol, each.follows) for each in told] == [
        ("not ours", "SLVT", False), ("position differs", "SLVT", True),
    ]  # fmt: skip


def test_a_sale_that_the_broker_forced_is_ours(runs: Path, clean: Path) -> None:
    """A liquidation carries no reference; it sold what we held."""
    with sqlite3.connect(runs / "2026-11-20T16-05-30Z" / "journal.db") as connection:
        connection.execute("UPDATE executions SET order_ref = '', order_id = -1, liquidation = 1 WHERE symbol = 'ORDL'")
    connection.close()
    assert check_statement(FRIDAY, clean, runs).holds


def test_lots_alone_are_the_positions_as_well(runs: Path, changed: Change) -> None:
    """A query that selects Lot and not Summary lists each lot."""
    file = changed(lambda text: re.sub(r'<OpenPosition [^>]*"SUMMARY"[^>]*/>', "", text))
    assert check_statement(FRIDAY, file, runs).holds


def test_a_statement_of_several_days_counts_the_last_alone(runs: Path, changed: Change) -> None:
    """Thursday's rows are Thursday's; a day in the middle has no positions and is refused."""

    def two_days(text: str) -> str:
        text = text.replace('U7654321" fromDate="20261120"', 'U7654321" fromDate="20261119"')
        sale = SELL_SLVT.search(text)
        assert sale
        row = sale[0].replace("20261120", "20261119").replace("00020a0e.691f2a4d", "00020a0e.691dffff")
        return text.replace(sale[0], sale[0] + row.replace("32590000008", "32580000008"))

    file = changed(two_days)
    assert check_statement(FRIDAY, file, runs).holds
    with pytest.raises(
        InputError, match="no statement of U7654321 that ends on 2026-11-19; it holds U2222222 20261120"
    ):
        check_statement(date(2026, 11, 19), file, runs)


def test_a_commission_in_another_currency_is_compared_in_it(runs: Path, changed: Change) -> None:
    """Reported and billed in EUR; where one side has USD alone, both are shown as they are."""
    file = changed(lambda text: text.replace('ibCommission="-1.0433" ibCommissionCurrency="USD"',
                                             'ibCommission="-0.95" ibCommissionCurrency="EUR"'))  # fmt: skip
    (told,) = [each for each in check_statement(FRIDAY, file, runs).comparison.differences if not each.follows]
    assert (told.kind, told.words) == ("other commission", "here 1.0433 USD, there 0.9500 EUR")
    with sqlite3.connect(runs / "2026-11-20T16-05-30Z" / "journal.db") as connection:
        connection.execute("UPDATE commissions SET amount = 0.95, currency = 'EUR' WHERE exec_id LIKE '0000f7b1%'")
    connection.close()
    assert "other commission" not in {kind for kind, _ in kinds(check_statement(FRIDAY, file, runs))}


def test_a_row_that_stands_twice_counts_once(runs: Path, changed: Change) -> None:
    """Two queries pasted into one file, say."""

    def double(text: str) -> str:
        sale = SELL_SLVT.search(text)
        assert sale
        return text.replace(sale[0], sale[0] * 2)

    assert check_statement(FRIDAY, changed(double), runs).holds


def test_rows_of_another_account_in_the_same_statement_are_passed_over(runs: Path, changed: Change) -> None:
    """A consolidated one says of every row whose it is."""

    def add(text: str) -> str:
        sale = SELL_SLVT.search(text)
        assert sale
        row = sale[0].replace("U7654321", "U2222222").replace("32590000008", "7").replace("00020a0e", "00020b0e")
        return text.replace(sale[0], sale[0] + row)

    assert check_statement(FRIDAY, changed(add), runs).holds


def test_what_a_session_did_after_the_day_is_another_days(tmp_path: Path, clean: Path) -> None:
    """It ran over the week-end and sold on Monday what it held on Friday."""
    monday = ("00018c55.6922c102.01.01", "mk-0a1b2c-vn1", VNTX, "SELL", 80, 12.5, "2026-11-23 09:45:00", 1.0)
    for name, deals in SESSIONS.items():
        write_session(tmp_path / "runs" / name, [*deals, monday] if deals is NOON else deals)
    assert check_statement(FRIDAY, clean, tmp_path / "runs").holds


def test_a_fee_that_our_costs_hold_already_is_no_difference(runs: Path, changed: Change) -> None:
    """The commission report had the fee in it, the statement lists it by itself."""
    fee = (
        '<TransactionTax currency="USD" symbol="SLVT" conid="404400504" taxDescription="SEC Fee" taxAmount="-0.02" '
        'tradeId="7100000008" />'
    )
    file = changed(lambda text: text.replace("<TransactionTaxes>\n", f"<TransactionTaxes>{fee}")
                   .replace('ibCommission="-1.02"', 'ibCommission="-1"'))  # fmt: skip
    check = check_statement(FRIDAY, file, runs)
    assert check.holds
    assert "SLVT: 0.02 USD stand apart there, and are in our costs" in check.comparison.notes


def test_parts_of_a_cent_that_add_up_are_a_difference(runs: Path, changed: Change) -> None:
    """Three fills, each 0.004 dearer there."""
    file = changed(lambda text: text.replace('ibCommission="-1"', 'ibCommission="-1.004"'))
    told = [each for each in check_statement(FRIDAY, file, runs).comparison.differences if not each.follows]
    assert [(each.kind, each.symbol) for each in told] == [("other commission", "")]
    assert told[0].words.startswith("-0.0120 here")


def test_commissions_that_no_report_told_are_estimated_marked_and_compared(runs: Path, clean: Path) -> None:
    """The table's fixed rate for 50 shares is 1.00, and some fees: near, and not to the cent."""
    shutil.rmtree(runs / "2026-11-20T16-05-30Z")
    silent = [
        *NOON[:-1],
        ("00020a0e.691f2a4d.02.01", "mk-0a1b2c-sl1", SLVT, "SELL", 50, 3.2, "2026-11-20 12:40:01", None),
    ]
    write_session(runs / "2026-11-20T16-05-30Z", silent)
    check = check_statement(FRIDAY, clean, runs)
    first = check.comparison.differences[0]
    assert (first.kind, first.symbol) == ("other commission", "SLVT")
    assert re.fullmatch(r"here 1\.00 \(estimated\), there 1\.02 USD", first.words)
    assert "1 of 8 commissions were estimated here: no report came" in check.comparison.notes


def test_sessions_of_another_account_are_left_out(runs: Path, clean: Path) -> None:
    """A simulated session of the same day has nothing to do with IB's books."""
    other = ("0000ffff.00000001.01.01", "mk-0a1b2c-zz9", ("ZZZZ", 9), "BUY", 1, 1.0, "2026-11-20 10:00:00", 1.0)
    say_last(write_session(runs / "2026-11-20T15-00-00Z", [other], account="sim-4002"), "DU9000001")
    check = check_statement(FRIDAY, clean, runs)
    assert check.holds
    assert "2026-11-20T15-00-00Z is of DU9000001 and left out" in check.comparison.notes


def test_a_session_that_died_is_whose_its_neighbours_of_the_same_gateway_are(tmp_path: Path, clean: Path) -> None:
    """Owned by an address, and ended without a last word; alone it is a difference, since its fills are nobody's."""
    runs, address = tmp_path / "runs", "paper-127.0.0.1-4002"
    for name, deals in SESSIONS.items():
        write_session(runs / name, deals, account=address)
    say_last(runs / "2026-11-20T16-05-30Z", "U7654321")
    assert check_statement(FRIDAY, clean, runs).holds
    write_session(runs / "2026-11-20T17-00-00Z", NOON[1:2], account="paper-10.0.0.9-4002")
    check = check_statement(FRIDAY, clean, runs)
    assert kinds(check) == [("unknown account", "")]
    assert "2026-11-20T17-00-00Z ended without a last word" in check.comparison.differences[0].words


def test_a_replay_of_the_day_is_nobodys(runs: Path, clean: Path) -> None:
    """It traded an archive, and no engine owned it."""
    replay = write_session(runs / "2026-11-20T22-00-00Z", MORNING[:1])
    with sqlite3.connect(replay / "journal.db") as connection:
        connection.execute("DELETE FROM meta")
        connection.execute("UPDATE executions SET exec_id = '0000abcd.00000001.01.01'")
    connection.close()
    assert check_statement(FRIDAY, clean, runs).holds


def test_one_session_alone_lacks_what_the_others_did(runs: Path, clean: Path) -> None:
    """--run takes the positions of the morning from its neighbours, and the day from itself."""
    check = check_statement(FRIDAY, clean, runs, run=runs / "2026-11-20T14-20-00Z")
    assert {each for each in kinds(check) if each[0] == "missing here"} == {
        ("missing here", "ORDL"), ("missing here", "SLVT"),
    }  # fmt: skip


def test_an_unreadable_record_is_a_difference(runs: Path, clean: Path) -> None:
    """It may hide fills."""
    broken = runs / "2026-11-20T18-00-00Z"
    broken.mkdir()
    (broken / "journal.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 4000)
    assert kinds(check_statement(FRIDAY, clean, runs)) == [("unreadable here", "")]


def test_a_day_without_a_session_is_refused(runs: Path, clean: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was written down, so nothing agrees; a folder or day that is none is one line as well."""
    with pytest.raises(InputError, match=r"no session below .* ran on 2026-11-18; the last below .* ran on 2026-11-20"):
        check_statement(date(2026, 11, 18), clean, runs)
    assert main(["reconcile", "2026-11-31", "--flex", str(clean), "--runs", str(runs)]) == 2
    assert command(runs / "nowhere", clean) == 2
    assert command(runs, clean, "--zone", "Mars/Olympus") == 2
    assert command(runs, clean, "--account", "U9999999") == 2
    assert len(capsys.readouterr().err.splitlines()) == 4


def instead(document: str) -> Callable[[str], str]:
    """Another document altogether."""
    return lambda _: document


def absent(section: str) -> Callable[[str], str]:
    """Without a section, as where the query did not select it."""
    return lambda text: re.sub(rf"<{section} ?/>|<{section}>.*?</{section}>", "", text, flags=re.DOTALL)


REFUSED: dict[str, tuple[Callable[[str], str], str]] = {
    "cut": (lambda text: text[:5000], "not XML"),
    "a page": (instead("<html><body>Log in</body></html>"), "no Flex statement, it begins with <html>"),
    "nothing": (instead(""), "not XML"),
    "a definition": (lambda text: f'<!DOCTYPE a [<!ENTITY b "c">]>{text}', "document type definition"),
    "laughs": (instead('<!DOCTYPE a [<!ENTITY b "cccc"><!ENTITY d "&b;&b;">]><a>&d;</a>'), "type definition"),
    "another day": (lambda text: text.replace('toDate="20261120"', 'toDate="20261123"'), "for that day alone"),
    "another account": (lambda text: text.replace("U7654321", "U5555555"), "no session of 2026-11-20 was"),
    "no trades": (absent("Trades"), "no section Trades, not even an empty one; in the query, select Trades"),
    "no positions": (absent("OpenPositions"), "select Open Positions (its option Summary)"),
    "no fees": (absent("TransactionTaxes"), "select Transaction Fees"),
    "confirmations": (lambda text: text.replace('type="AF"', 'type="TCF"'), "use an Activity query"),
    "orders alone": (lambda text: text.replace('levelOfDetail="EXECUTION"', 'levelOfDetail="ORDER"'), "sums alone"),
    "no profit": (lambda text: re.sub(r' fifoPnlRealized="[^"]*"', "", text), "leaves out Realized P/L"),
    "no number": (lambda text: text.replace('quantity="150"', 'quantity="NaN"'), "quantity of a Trade is no number"),
    "a huge one": (lambda text: text.replace('quantity="150"', 'quantity="9e99999999"'), "is no number"),
    "no time": (lambda text: text.replace("20261120;094107 EST", "20261120;994107 EST"), "dateTime of a Trade"),
    "no zone": (lambda text: text.replace("094107 EST", "094107 XQZ"), "is in no known time zone (XQZ)"),
    "no contract": (lambda text: text.replace('conid="404400504"', 'conid="x"'), "is no contract's number"),
    "no statement": (instead('<FlexQueryResponse type="AF"><FlexStatements count="0"/></FlexQueryResponse>'),
                     "holds no statement"),
    "not ready": (instead("<FlexStatementResponse><Status>Warn</Status><ErrorCode>1019</ErrorCode><ErrorMessage>"
                          "Statement generation in progress.</ErrorMessage></FlexStatementResponse>"),
                  "IB sent no statement but 1019: Statement generation in progress."),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_compared_is_one_line(
    what: str, runs: Path, changed: Change, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input, status 2: what is wrong, where, what to do; an absent section never counts as an empty one."""
    change, words = REFUSED[what]
    assert command(runs, changed(change)) == 2
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert words in line
    assert "changed.xml" in line
    assert told.out == ""


def test_words_of_a_statement_reach_the_terminal_plain(
    runs: Path, changed: Change, capsys: pytest.CaptureFixture[str]
) -> None:
    """A symbol that would steer it does not."""
    file = changed(lambda text: text.replace('symbol="SLVT"', 'symbol="SL&#x9b;31mVT"').replace(
        "00020a0e.691f2a4d.02.01", "00020a0e.691f2a4e.02.01"))  # fmt: skip
    assert command(runs, file) == 1
    assert "\x9b" not in capsys.readouterr().out


def test_a_file_that_is_too_large_is_not_begun(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sparse on disk, and no day's statement."""
    file = tmp_path / "huge.xml"
    with file.open("wb") as sparse:
        sparse.truncate(65 * 1024 * 1024)
    assert command(runs, file) == 2
    assert "over 64 MB" in capsys.readouterr().err


def test_a_journal_of_the_first_release_is_read(runs: Path, clean: Path) -> None:
    """Its commissions had no currency: they were USD."""
    with sqlite3.connect(runs / "2026-11-20T14-20-00Z" / "journal.db") as connection:
        for column in ("amount", "currency", "basis"):
            connection.execute(f"ALTER TABLE commissions DROP COLUMN {column}")
    connection.close()
    assert len(MORNING) == 6
    assert check_statement(FRIDAY, clean, runs).holds
