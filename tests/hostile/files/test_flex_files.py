"""A Flex file that is none of IB's: refused in one line, in bounded memory, and its words are shown as words."""

import html
import time
from pathlib import Path

import pytest

from momentum_kit.errors import InputError
from momentum_kit.storage.flex import read_flex
from tests.hostile.corpus import TEXTS, XML
from tests.hostile.outsider import momentum_kit, momentum_kit_process, refused
from tests.hostile.told_sessions import DAY, session

HEAD = '<FlexQueryResponse type="AF"><FlexStatements>'
STATEMENT = '<FlexStatement accountId="DU1" fromDate="20261117" toDate="20261117">'
SIZE = 9 * 1024 * 1024
LARGE = {
    "rows": HEAD + STATEMENT + "<Trades>" + "<x/>" * (SIZE // 4),
    "statements": HEAD + "<FlexStatement/>" * (SIZE // 16),
    "sections": HEAD + STATEMENT + "".join(f"<s{at}/>" for at in range(SIZE // 9)),
    "attributes": HEAD + STATEMENT + "<Trades><x " + " ".join(f'a{at}="1"' for at in range(SIZE // 11)) + "/>",
    "an attribute": HEAD + STATEMENT + '<Trades><x a="' + "y" * SIZE + '"/>',
    "a comment": HEAD + "<!--" + "y" * SIZE + "-->",
    "levels": "<a>" * (SIZE // 3),
}


@pytest.mark.parametrize("name", XML)
def test_a_document_that_is_none_of_ibs_is_one_line(name: str, project: Path) -> None:
    """Entities, foreign files and addresses are not looked at; nothing is deep, half or of no encoding."""
    session(project / "runs" / "today")
    (project / "gift.xml").write_bytes(XML[name].encode())
    refused(momentum_kit(project, "reconcile", DAY, "--flex", "gift.xml"), "gift.xml")


@pytest.mark.parametrize("name", LARGE)
def test_a_large_document_is_not_taken_into_memory(name: str, tmp_path: Path) -> None:
    """64 MB of it took 3 GB and a minute and a half."""
    (tmp_path / "gift.xml").write_text(LARGE[name])
    begun = time.thread_time()
    with pytest.raises(InputError, match=r"over (500,000 elements|20 levels|256 KB)|a part of over 256 KB"):
        read_flex(tmp_path / "gift.xml")
    assert time.thread_time() - begun < 20


def test_words_of_a_statement_are_shown_as_words(project: Path) -> None:
    """Account, symbol, description and kind of every sign that XML takes: nothing of them reaches the terminal."""
    session(project / "runs" / "today")
    words = "".join("".join(char for char in text if char.isprintable() or ord(char) > 0x7F) for text in TEXTS)
    told = words.encode(errors="ignore").decode().replace("\ufffe", "").replace("\uffff", "")
    quoted = html.escape(told)
    row = f'<Trade accountId="DU1" symbol="{quoted}" assetCategory="{quoted}" levelOfDetail="EXECUTION" MORE/>'
    for more in ("", f'currency="{quoted}" transactionType="{quoted}"', f'quantity="{quoted}" conid="{quoted}"'):
        inside = f"<Trades>{row.replace('MORE', more)}</Trades><OpenPositions/><TransactionFees/>"
        other = f'<FlexStatement accountId="{quoted}" fromDate="{quoted}" toDate="20261117"/>'
        whole = f"{HEAD}{STATEMENT}{inside}</FlexStatement>{other}</FlexStatements></FlexQueryResponse>"
        (project / "gift.xml").write_text(whole, encoding="utf-8")
        done = momentum_kit(project, "reconcile", DAY, "--flex", "gift.xml", "--account", "DU1")
        assert "Traceback" not in done.stderr
        assert all(char.isprintable() or char == "\n" for char in done.stdout + done.stderr)
    refusal = f"<FlexStatementResponse><ErrorMessage>{quoted}</ErrorMessage></FlexStatementResponse>"
    (project / "gift.xml").write_text(refusal, encoding="utf-8")
    refused(momentum_kit_process(project, "reconcile", DAY, "--flex", "gift.xml"), "IB sent no statement")
