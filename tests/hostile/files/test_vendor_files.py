"""Files from a vendor, or from somebody who says so: rows or one line of words, in bounded memory."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hostile.corpus import JSON
from tests.hostile.outsider import Done, momentum_kit, momentum_kit_process, refused, taken


def imported(project: Path, kind: str, path: Path, *more: str, command: Callable[..., Done] = momentum_kit) -> Done:
    """`data import` of one file or folder."""
    return command(project, "data", "import", kind, str(path), "--archive", str(project / "archive"), *more)


HEADLINES = ("--map", "kind=headlines", "--map", "provider=X", "--map", "columns.published_at=t", "--map",
             "columns.text=h")  # fmt: skip
BARS = ("--map", "adjusted=false", "--map", "symbol=XYZW", "--map", "columns.start=time")


def long_text_in_every_row(file: Path) -> None:
    """Half a megabyte once in the dictionary, in each of a million rows: 20 KB on disk, 500 GB in memory."""
    indices = pa.array([0], pa.int32()).take(pa.array([0] * 1_000_000, pa.int32()))
    texts = pa.DictionaryArray.from_arrays(indices, pa.array(["A" * 500_000]))
    stamps = pa.array(["2026-11-20T14:30:00Z"] * 1_000_000).dictionary_encode()
    pq.write_table(pa.table({"t": stamps, "h": texts}), file, compression="zstd")


def rows_without_end(file: Path) -> None:
    """Two billion rows: the footer names the same few kilobytes two thousand times."""
    some = pa.table({"time": pa.array([0] * 1_000_000, pa.int64()), "open": pa.array([1.0] * 1_000_000)})
    pq.write_table(some, file)
    once, many = pq.read_metadata(file), pq.read_metadata(file)
    for _ in range(1_999):
        many.append_row_groups(once)
    many.write_metadata_file(file.with_suffix(".footer"))
    content, footer = file.read_bytes(), file.with_suffix(".footer").read_bytes()
    file.write_bytes(content[: -8 - int.from_bytes(content[-8:-4], "little")] + footer[4:])


PARQUET: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "long text": (long_text_in_every_row, HEADLINES),
    "rows": (rows_without_end, BARS),
}


@pytest.mark.parametrize("bomb", PARQUET)
def test_a_parquet_file_is_not_unpacked_beyond_its_bound(bomb: str, project: Path) -> None:
    """Told in one line, before the memory is taken."""
    make, mapping = PARQUET[bomb]
    file = project / "gift.parquet"
    make(file)
    done = imported(project, "parquet", file, *mapping, command=momentum_kit_process)
    refused(done, "gift.parquet", "GB")


def test_a_gzipped_table_is_not_unpacked_beyond_its_bound(project: Path) -> None:
    """Blank lines before a header that never comes: a thousandth of it on disk."""
    file = project / "gift.csv.gz"
    with gzip.open(file, "wb", compresslevel=9) as out:
        for _ in range(64):
            out.write(b"\n" * 2**20)
    refused(imported(project, "csv", file, *BARS), "gift.csv.gz", "blank")


@pytest.mark.parametrize("content", ["time,open\n" + "9" * 40_000_000, "time," + "o" * 20_000_000 + "\n1,2\n"])
def test_a_line_that_does_not_end_is_refused(content: str, project: Path) -> None:
    """In the header and in a row."""
    file = project / "gift.csv"
    file.write_text(content)
    refused(imported(project, "csv", file, *BARS), "gift.csv")


def test_a_cell_longer_than_any_article_is_refused(project: Path) -> None:
    """Two megabytes of headline."""
    file = project / "gift.csv"
    file.write_text("t,h\n2026-11-20T14:30:00Z,A\n2026-11-20T14:30:00Z," + "x" * 2_000_000 + "\n")
    refused(imported(project, "csv", file, *HEADLINES), "gift.csv", "'h'")


@pytest.mark.parametrize("form", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_is_not_unpacked_beyond_its_bound(form: int, project: Path) -> None:
    """A day of one symbol with 40 MB in it."""
    folder = project / "minute" / "xyzw"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "20261120_trade.zip", "w", form) as out:
        out.writestr("20261120_xyzw_minute_trade.csv", "0" * 40_000_000)
    refused(imported(project, "lean", project / "minute"), "MB")


@pytest.mark.parametrize("row", ["1e400,1,1,1,1,1", "nan,1,1,1,1,1", "34200000,1e400,1,1,1,1", "34200000,1,1,1,1,1e308",
                                 "\x1b[2J,1,1,1,1,1", "34200000,\u0661,1,1,1,1"])  # fmt: skip
def test_a_row_beyond_range_is_refused_or_taken_whole(row: str, project: Path) -> None:
    """Never a traceback, and no escape sequence of the file's reaches the terminal."""
    folder = project / "minute" / "xyzw"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "20261120_trade.zip", "w") as out:
        out.writestr("20261120_xyzw_minute_trade.csv", row + "\n")
    done = imported(project, "lean", project / "minute")
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr + done.stdout


def test_whatever_becomes_of_a_good_zip_it_is_read_or_refused(project: Path) -> None:
    """Two hundred zips with bytes changed, cut off or doubled, in one command each kind of damage."""
    from momentum_kit.errors import ArchiveError
    from momentum_kit.storage.archive import Archive
    from momentum_kit.storage.imports import import_lean

    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("20261120_xyzw_minute_trade.csv", "34200000,10000,10000,10000,10000,5\n")
    chance, file = random.Random(16), project / "minute" / "xyzw" / "20261120_trade.zip"
    file.parent.mkdir(parents=True)
    for _ in range(200):
        bytes_ = bytearray(whole.getvalue())
        for _ in range(chance.randint(1, 4)):
            bytes_[chance.randrange(len(bytes_))] = chance.randrange(256)
        file.write_bytes(bytes(bytes_[: chance.randint(1, len(bytes_))] if chance.random() < 0.3 else bytes_))
        try:
            import_lean(project / "minute", Archive(project / "archive"))
        except ArchiveError as error:
            assert "\n" not in str(error)


LISTS = {
    "no such day": "Symbol|Security Name|Test Issue\nA|B Inc.|N\nFile Creation Time: 9999202600:00|||\n",
    "short rows": "Symbol|Security Name|Test Issue\nA\nFile Creation Time: 1120202600:00|||\n",
    "deep": '{"fields":' + "[" * 100_000,
    "other": json.dumps({"fields": ["cik", "name", "ticker", "exchange"], "data": [[1, "n", {"a": 1}, "x"], 5]}),
    "no columns": "a|b\nFile Creation Time: 11202026 00:00|\n",
    "nul": "symbol,name,exchange\nA\x00B,C,NYSE\n",
    "long": "symbol,name\n" + "A" * 200_000 + ",B\n",
    "shares": "symbol,name,exchange,since,until,shares\nAB,C,NYSE,,,1e999\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_symbols_is_read_or_refused(name: str, project: Path) -> None:
    """Whatever is in it; nothing is written where it is refused."""
    file = project / "list.txt"
    file.write_text(LISTS[name])
    done = momentum_kit(project, "data", "symbols", str(file), "--to", "data/symbols.csv", "--day", "2026-11-20")
    assert "Traceback" not in done.stderr
    if done.returncode:
        refused(done, "list.txt")
        assert not (project / "data" / "symbols.csv").exists()


def test_bytes_that_are_no_text_are_refused(project: Path) -> None:
    """A Parquet file may call anything text."""
    offsets = pa.py_buffer(b"\x00\x00\x00\x00\x04\x00\x00\x00")
    broken = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"ab\xff\xfe")])
    file = project / "gift.parquet"
    pq.write_table(pa.table({"t": ["2026-11-20T14:30:00Z"], "h": broken}), file)
    refused(imported(project, "parquet", file, *HEADLINES), "gift.parquet", "UTF8")


def test_what_is_imported_can_be_shown(project: Path) -> None:
    """Escapes and half characters of a vendor's words end at the import."""
    file = project / "gift.csv"
    file.write_text('t,h,p\n2026-11-20T14:30:00Z,"XYZW \x1b[2J\x07up\u202e",A\x1b]0;x\x07B\n')
    taken(imported(project, "csv", file, *HEADLINES, "--map", "columns.provider=p"))
    table = pq.read_table(next((project / "archive").rglob("headlines.parquet")), partitioning=None)
    assert (table["text"].to_pylist(), table["provider"].to_pylist()) == (["XYZW  [2J up"], ["A ]0;x B"])


def _record(**changed: object) -> str:
    """A vendor's answer of one headline, some of it changed."""
    return json.dumps([{"t": "2026-11-20T14:30:00Z", "h": "Acme (XYZW) wins", "symbol": "XYZW"} | changed])


RECORDS = {f"whole: {name}": text for name, text in JSON.items()} | {
    "deep text": _record().replace('"Acme (XYZW) wins"', "[" * 5_000 + "]" * 5_000),
    "deep objects": _record().replace('"Acme (XYZW) wins"', '{"a":' * 900 + "1" + "}" * 900),
    "6,000 digits": _record().replace('"Acme (XYZW) wins"', "9" * 6_000),
    "time that is no number": _record().replace('"2026-11-20T14:30:00Z"', "NaN"),
    "half a symbol": _record(symbol="\udfff"),
    "100,000 keys": json.dumps([{f"k{at}_{key}": 1 for key in range(30)} for at in range(3_000)]),
}


@pytest.mark.parametrize("name", RECORDS)
def test_json_that_is_no_list_of_headlines_is_one_line(name: str, project: Path) -> None:
    """Never a traceback, nothing imported; of 100,000 keys it made 300 million cells, and no end of it was seen."""
    (project / "gift.json").write_bytes(RECORDS[name].encode("utf-8", "surrogatepass"))
    refused(imported(project, "json", project / "gift.json", *HEADLINES), "gift.json")
    assert not (project / "archive").exists()


def test_json_with_half_a_character_or_a_line_separator_is_read(project: Path) -> None:
    """A mark in the place of the half; U+2028 ends no record, as it is written raw by those who do not escape it."""
    records = [_record(h=f"Acme (XYZW) wins{sign} {at}")[1:-1] for at, sign in enumerate(("\ud800", "\u2028", "\x85"))]
    lines = "\n".join(json.dumps(json.loads(each), ensure_ascii=False) for each in records)
    (project / "gift.json").write_bytes(lines.encode(errors="replace"))
    assert "3" in taken(imported(project, "json", project / "gift.json", *HEADLINES, "--json"))
    (project / "half.json").write_text(records[0])
    taken(imported(project, "json", project / "half.json", *HEADLINES, "--map", "provider=Y"))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("count", [2, 500, 20_000])
def test_columns_of_one_name_or_thousands_are_refused(count: int, kind: str, project: Path) -> None:
    """Two of them were a traceback where one was asked for by its name; of many, each was counted in all of them."""
    names = ["a"] * count if count < 1_000 else [f"c{at}" for at in range(count)]
    file = project / f"gift.{kind}"
    if kind == "csv":
        file.write_text(
            f"t,h,{','.join(names)}\n2026-11-20T14:30:00Z,Acme (XYZW) wins,{','.join('1' for _ in names)}\n"
        )
    else:
        columns = [pa.array(["2026-11-20T14:30:00Z"]), *(pa.array(["x"]) for _ in names)]
        pq.write_table(pa.Table.from_arrays(columns, names=["t", *names]), file)
    words = "two columns are called" if count < 1_000 else "columns; 1,000 are the most"
    refused(imported(project, kind, file, *HEADLINES), "gift", words)
