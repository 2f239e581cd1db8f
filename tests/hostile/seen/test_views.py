"""What people see of words from outside: exactly these words, in a cell, a file, a terminal, a mail, a chat."""

import asyncio
import csv
import email
import email.policy
import html.parser
import io
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from momentum_kit.cli.common import done
from momentum_kit.config import AlertSettings
from momentum_kit.external import services_of
from momentum_kit.external.alerts import _CALLS
from momentum_kit.pages import ReadableFrame
from momentum_kit.pages.blocks import Block, RenderedTable, Shown, Words, write_page
from momentum_kit.plain_text import plain_lines, plain_text
from momentum_kit.runtime.production import print_summary
from tests.hostile.corpus import TERMINAL, TEXTS, WORDS

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated and slated for removal:DeprecationWarning")


class _Texts(html.parser.HTMLParser):
    """The text of a page, the elements that it is in, and every element at all."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.mathematics: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("br", "img", "meta", "hr"):
            self.open.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1][0] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if any(name == "style" for name, _ in self.open):
            return
        self.texts.append(data)
        if not any("mathjax_ignore" in css and "tex2jax_ignore" in css for _, css in self.open):
            self.mathematics.append(data)


def seen(page: str) -> _Texts:
    """What a browser makes of it."""
    texts = _Texts()
    texts.feed(page)
    return texts


@pytest.mark.parametrize("words", WORDS)
def test_a_table_in_a_cell_shows_the_words(words: str) -> None:
    """No element of theirs, nothing that MathJax looks at, and every character."""
    page = ReadableFrame({"text": [words], "n": [1]})._repr_html_()
    assert page is not None
    found = seen(page)
    assert found.mathematics == []
    assert not found.names & {"b", "img", "script", "a"}
    assert plain_text(words) in [each.strip() for each in found.texts] or words in found.texts


class _Result(Shown):
    def __init__(self, words: str) -> None:
        self.words = words

    def blocks(self) -> list[Block]:
        table = RenderedTable(["text"], [[self.words]])
        return [Block("title", self.words), Block("text", self.words), Block("table", table=table)]


@pytest.mark.parametrize("words", WORDS)
def test_a_result_in_a_cell_shows_the_words(words: str) -> None:
    """Headings and sentences as well."""
    found = seen(_Result(words)._repr_html_())
    assert "".join(found.mathematics).strip() == ""
    assert not found.names & {"b", "img", "script", "a"}


@pytest.mark.parametrize("words", WORDS)
def test_a_verdict_in_markdown_shows_the_words(words: str) -> None:
    """Rendered as GitHub and JupyterLab do: one paragraph, no markup of theirs, no formula between two dollars."""
    for block in _Result(words).blocks()[1:]:
        source = block.markdown()
        page = MarkdownIt("gfm-like", {"linkify": False}).render(source)
        found = seen(page)
        assert not found.names - {"p", "span", "table", "thead", "tbody", "tr", "th", "td"}, page
        text = "".join(found.texts)
        assert plain_text(words).strip() in " ".join(text.split()) or plain_text(words).strip() in text
        assert not re.search(r"(?<!\\)\$", source)  # what begins a formula before anything is rendered
        assert all(each == "$" for each in found.texts if "$" in each)  # and after: none shares a text with another


@pytest.mark.parametrize("words", TEXTS)
def test_sentences_in_a_cell_show_the_words(words: str) -> None:
    """What is bold in them stays bold, and nothing else of them is markup."""
    page = MarkdownIt("gfm-like", {"linkify": False}).render(
        Words(f"**They gain.** Most by {words}.")._repr_markdown_()
    )
    found = seen(page)
    assert not found.names - {"p", "strong", "span"}, page
    assert page.startswith("<p><strong>They gain.</strong> Most by ")
    assert " ".join(plain_text(words).replace("**", "").split()) in " ".join("".join(found.texts).split())


@pytest.mark.parametrize("words", TEXTS)
def test_a_page_that_is_written_shows_the_words(words: str, tmp_path: Path) -> None:
    """Title, headings, sentences and cells of a review, a tear sheet or a verdict: no element and no sign of theirs."""
    blocks = [Block("title", words), Block("heading", words), Block("warning", words), *_Result(words).blocks()]
    page = write_page(tmp_path / "page.html", words, blocks, "").read_text(encoding="utf-8")
    assert all(char.isprintable() or char == "\n" for char in page)
    found = seen(page)
    assert not found.names & {"b", "img", "script", "a", "svg"}
    assert not {name for name in found.attributes if name.startswith("on")}
    shown = " ".join(" ".join(found.texts).split())
    assert shown.count(" ".join(plain_text(words).split())) >= 3


@pytest.mark.parametrize("words", TEXTS)
def test_a_result_on_a_plain_screen_shows_the_words(words: str) -> None:
    """IPython in a terminal, and what a notebook keeps as plain text: a cell is one line, however many it feigns."""
    frame = ReadableFrame({"text": [words.encode(errors="replace").decode()]})
    table = RenderedTable(["a"], [[f"{words}\nb"]])
    for told in (repr(_Result(words)), repr(frame), table.text()):
        assert all(char.isprintable() or char in "\n\t" for char in told)
    assert table.text().count("\n") == 1


@pytest.mark.parametrize("words", TEXTS)
def test_a_spreadsheet_takes_no_text_for_a_formula(words: str) -> None:
    """In cells and heads of exported tables; numbers stay numbers, and the frame itself what it was."""
    cell = words.encode(errors="replace").decode()
    frame = ReadableFrame({cell: [cell], "n": [-1]})
    rows = list(csv.reader(io.StringIO(frame.to_csv(index=False), newline="")))
    for shown in (rows[0][0], rows[1][0]):
        assert not shown.lstrip().startswith(("=", "+", "-", "@"))
    assert rows[1][1] == "-1"
    assert type(frame.head(1)) is ReadableFrame
    assert pd.DataFrame(frame).iloc[0, 0] == cell


@pytest.mark.parametrize("words", TEXTS)
def test_a_terminal_is_told_nothing_but_words(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By a command's result, by an error, and by the table at the end of a demo."""
    done(False, {}, f"a\n{words}\tb")
    told = capsys.readouterr().out
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system=None, width=200)
    summary = {
        "title": "demo", "headlines": 1, "signals": 1, "skips": {words: 3}, "entries": 1, "orders": 1, "fills": 1,
        "round_trips": 1, "net_pnl_usd": 0.0, "gross_pnl_usd": 0.0, "costs_usd": 0.0, "latency_ms": {"n": 0},
        "decisions_digest": "0" * 64, "notes": [words], "run_dir": f"runs/{words}"[:60].replace("\n", " "),
    }  # fmt: skip
    print_summary(summary, console)
    for shown in (told, plain_text(words), plain_lines(words)):
        assert all(char.isprintable() or char in "\n\t" for char in shown)
    assert "\x1b]" not in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()
    if words.isprintable() and "[" in words:
        assert words.split("]")[0] in stream.getvalue()


@contextmanager
def mail_server() -> Iterator[tuple[int, list[bytes]]]:
    """As much of SMTP as takes one mail, and the mails it took."""
    mails: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rwb", buffering=0) as lines:
            lines.write(b"220 here\r\n")
            while line := lines.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    lines.write(b"354 go\r\n")
                    mail = b""
                    while (part := lines.readline()) not in (b".\r\n", b""):
                        mail += part.removeprefix(b".")
                    mails.append(mail)
                lines.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], mails
    finally:
        server.close()
        thread.join(10)


@pytest.mark.parametrize("words", [*WORDS[:4], *WORDS[-11:-4], "".join(TERMINAL)])
def test_a_mail_shows_the_words(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken by a mail server and read with a mail library: text in every part, no element of the headline's."""
    with mail_server() as (port, mails):
        address = f"mailto://example.com?smtp=127.0.0.1&port={port}&mode=insecure&from=a@example.com&to=d@example.com"
        monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", address)
        (service,) = services_of(AlertSettings())
        assert service.tell("critical", "DU1", f"no stop: {words}") == ""
    message = email.message_from_bytes(mails[0], policy=email.policy.default)
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    assert parts
    for part in parts:
        content = part.get_content()
        assert "\x1b" not in content
        assert "\u202e" not in content
        if part.get_content_subtype() == "html":
            found = seen(content)
            assert not found.names & {"b", "img", "script", "a"}
            content = "".join(found.texts).replace("\xa0", " ")
        shown = " ".join(_CALLS.sub(r"\g<0> ", plain_text(words)).split())
        assert shown in " ".join(content.split()), content


async def test_a_chat_calls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A headline that names everybody in a channel rings at nobody's."""
    took: list[dict[str, str]] = []
    ready, loop = threading.Event(), asyncio.get_running_loop()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
        took.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        ready.set()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", f"json://127.0.0.1:{port}/")
        (service,) = services_of(AlertSettings())
        assert await loop.run_in_executor(None, service.tell, "critical", "DU1", WORDS[-1]) == ""
    finally:
        server.close()
        await server.wait_closed()
    assert not re.search(r"@\w|<[!@#]", took[0]["message"])
