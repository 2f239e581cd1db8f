"""Files, answers and words under fire: `make fuzz` breaks a million, the suite a seeded few hundred.

Whatever the bytes: a value, or one line of words, and never for long.
"""

import csv
import gzip
import html.parser
import io
import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.bridge.codes import load_codes
from momentum_kit.config import load_config, load_thresholds
from momentum_kit.detection.news.bodies import read_body
from momentum_kit.errors import MomentumKitError
from momentum_kit.external.ai_reader import parse_reading
from momentum_kit.notebook.review.notes import read_notes
from momentum_kit.pages import ReadableFrame, text
from momentum_kit.pages.blocks import markdown_text
from momentum_kit.plain_text import MOST, plain_text
from momentum_kit.runtime.control import decode_status_text
from momentum_kit.runtime.probe import load_observed
from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.scenario import load_scenario
from momentum_kit.storage.archive import Archive
from momentum_kit.storage.flex import read_day, read_flex
from momentum_kit.storage.imports.mapping import load_mapping
from momentum_kit.storage.imports.tables import import_tables
from momentum_kit.storage.recording.conversion import Recording
from momentum_kit.yaml_files import read_yaml
from tests.helpers.fuzzing import fuzz_draw, fuzz_inputs
from tests.hostile.corpus import JSON, TEXTS, XML, YAML
from tests.hostile.outsider import ROOT

SLOWEST_S = 5.0  # of processor time for one input; what hung would hang for hours
DAY = date(2026, 11, 20)
FLEX = (ROOT / "tests" / "unit" / "runtime" / "reconcile" / "clean.xml").read_bytes()
READING = json.dumps({"catalyst": "fda", "direction": 0.8, "confidence": 0.9, "rationale": "approval"})
ANSWER = json.dumps({"choices": [{"message": {"content": READING}}]}).encode()
NOTES = json.dumps({"1": {"tags": ["late"], "note": "wide spread"}}).encode()
RECORDED = b'{"at": "2026-11-20T15:00:00+00:00", "t": "Nothing", "v": {"a": [1, 2.5, null, "x"]}}\n' * 3
NEWS = json.dumps([{"t": "2026-11-20T14:30:00Z", "h": "Acme (XYZW) wins", "symbol": "XYZW"}]).encode()
CSV = b't,h,symbol\n2026-11-20T14:30:00Z,Acme (XYZW) wins,XYZW\n2026-11-20T14:31:00Z,"Acme, again",XYZW\n'
HEADLINES = ("kind=headlines", "provider=X", "columns.published_at=t", "columns.text=h")
SIGNS = ("&a ", "*a ", "<<: ", "!!int ", "!!float ", "{", "[", "- ", "? ", "\n  ")
NASTY = (b"9" * 400, b"1e999", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\n", b'"', b"\\", b"\x1b[2J")


@cache
def shipped() -> tuple[bytes, ...]:
    """The kit's own YAML, and what has harmed YAML readers."""
    files = [*(ROOT / "config").rglob("*.yaml")]
    return (*(file.read_bytes() for file in files), *(_bytes(each) for each in YAML.values() if len(each) < 10_000))


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")


def broken(draw: random.Random, content: bytes) -> bytes:
    """Some bytes others, some missing, some twice, something of the corpus among them."""
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del changed[at : at + draw.choice((1, 3, 20, 200))]
            case 2:
                part = changed[at : at + draw.choice((1, 5, 40))]
                changed[at:at] = part * draw.choice((1, 2, 30, 500))
            case 3:
                changed[at:at] = _bytes(draw.choice(TEXTS))
            case 4:
                changed[at:at] = _bytes(draw.choice([*JSON.values(), *SIGNS]))[:2_000]
            case _:
                changed[at:at] = draw.choice(NASTY)
    return bytes(changed)


def _words(draw: random.Random) -> str:
    """Some texts of the corpus, their signs mixed with any others."""
    signs = [*"".join(draw.choices(TEXTS, k=3))[:400], *(chr(draw.randrange(0x110000)) for _ in range(20))]
    draw.shuffle(signs)
    return "".join(signs)


def _yaml(draw: random.Random, file: Path) -> None:
    file.write_bytes(broken(draw, draw.choice(shipped())))
    draw.choice((read_any, load_config, load_thresholds, load_scenario, load_observed, load_mapping, load_codes))(file)


def read_any(file: Path) -> Any:
    """Whatever it holds."""
    return read_yaml(file, MomentumKitError)  # type: ignore[arg-type]


def _flex(draw: random.Random, file: Path) -> None:
    file.write_bytes(broken(draw, FLEX if draw.random() < 0.9 else _bytes(draw.choice([*XML.values()])[:20_000])))
    flex = read_flex(file)
    for account in flex.accounts:
        read_day(flex, account, DAY, zone=NEW_YORK, is_ours=bool)


def _answer(draw: random.Random, _: Path) -> None:
    try:
        parse_reading(broken(draw, ANSWER), "test")
    except ValueError as error:
        str(error).encode(errors="replace")


def _article(draw: random.Random, _: Path) -> None:
    begin = draw.choice(("", "<html><body>", "<?xml version='1.0'?><nitf>", "%PDF-1.4 "))
    read_body(begin + broken(draw, _words(draw).encode(errors="replace")).decode(errors="surrogateescape"))


def _status(draw: random.Random, _: Path) -> None:
    try:
        decode_status_text(broken(draw, _bytes(draw.choice([*JSON.values()]))).decode(errors="replace"))
    except ValueError:
        return


def _notes(draw: random.Random, file: Path) -> None:
    (file.parent / "notes.json").write_bytes(broken(draw, NOTES))
    read_notes(file.parent)


def _recording(draw: random.Random, file: Path) -> None:
    packed = gzip.compress(broken(draw, RECORDED), 1)
    file.write_bytes(packed if draw.random() < 0.7 else broken(draw, packed))
    list(Recording(file))


def _vendor(draw: random.Random, file: Path) -> None:
    kind, content = draw.choice((("json", NEWS), ("csv", CSV)))
    given = file.with_suffix(f".{kind}")
    given.write_bytes(broken(draw, content))
    import_tables(given, kind, load_mapping(None, HEADLINES), Archive(file.parent / f"archive{draw.random()}"))


class _Elements(html.parser.HTMLParser):
    """Counts them."""

    count = 0

    def handle_starttag(self, *_: object) -> None:
        """One more."""
        self.count += 1


def _shown(draw: random.Random, _: Path) -> None:
    """What people see has no sign that is not seen, no element, and is the same when it is cleaned again."""
    words = _words(draw)
    plain = plain_text(words)
    assert plain.isprintable()
    assert plain_text(plain) == plain
    assert len(plain) <= MOST
    page = _Elements()
    page.feed(text(words))
    assert page.count == 0
    markdown_text(words).encode()
    told = ReadableFrame({"a": [words.encode(errors="replace").decode()]}).to_csv(index=False, header=False)
    ((cell,),) = csv.reader(io.StringIO(told, newline=""))
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))


EDGES: Mapping[str, tuple[Callable[[random.Random, Path], None], int]] = {
    "yaml": (_yaml, 1), "flex": (_flex, 2), "answer": (_answer, 1), "article": (_article, 1), "status": (_status, 1),
    "notes": (_notes, 1), "recording": (_recording, 1), "vendor": (_vendor, 20), "shown": (_shown, 4),
}  # fmt: skip
"""What breaks one input and reads it, and by how much fewer it gets of the inputs, since it takes longer."""


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("edge", EDGES)
def test_broken_input_is_a_value_or_a_line(edge: str, tmp_path: Path) -> None:
    """Never another exception, never for long."""
    attack, slower = EDGES[edge]
    draw = fuzz_draw(sum(edge.encode()))
    for number in range(max(20, fuzz_inputs(600) // slower)):
        begun = time.thread_time()
        try:
            attack(draw, tmp_path / "input")
        except MomentumKitError as error:
            assert str(error)
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"{edge}, input {number}: {type(error).__name__}: {str(error)[:500]}") from error
        assert time.thread_time() - begun < SLOWEST_S, f"{edge}, input {number}"
