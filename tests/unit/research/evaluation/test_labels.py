import json
from pathlib import Path

import pytest

from momentum_kit.errors import InputError
from momentum_kit.research.evaluation import load_labels


def written(tmp_path: Path, *rows: object) -> Path:
    """A file with one row a line; a text stands as it is."""
    file = tmp_path / "labels.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return file


def test_a_headline_needs_its_text_only(tmp_path):
    """Labels that a file has not are unknown, which is neither false nor empty."""
    (bare,), pairs = load_labels(written(tmp_path, {"text": "Rail Vision Files For Mixed Shelf Offering"}))
    assert (bare.tickers, bare.subject, bare.catalysts, bare.dilution, bare.bar, bare.late, pairs) == (
        None, None, (), None, None, None, [],
    )  # fmt: skip


def test_an_empty_list_of_tickers_says_that_there_is_no_company(tmp_path):
    """And a subject of null, that it is mainly about none."""
    (macro,), _ = load_labels(written(tmp_path, {"id": 7, "text": "Fed Holds", "tickers": [], "subject": None}))
    assert (macro.key, macro.tickers, macro.subject) == ("7", frozenset(), "")


def test_symbols_are_read_in_any_spelling(tmp_path):
    """BRK.B and BRK-B are one, as everywhere."""
    (row,), _ = load_labels(written(tmp_path, {"text": "Berkshire Buys", "tickers": ["BRK.B"], "subject": "BRK-B"}))
    assert row.tickers == {row.subject}


def test_pairs_may_stand_in_the_same_file(tmp_path):
    """A row with a and b is a pair."""
    headlines, (pair,) = load_labels(written(tmp_path, {"text": "x"}, "", {"a": "one", "b": "two", "same": False}))
    assert (len(headlines), pair.a, pair.b, pair.same, pair.why) == (1, "one", "two", False, "")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "row 2: no JSON"),
        ("[" * 100_000, "row 2: no JSON"),
        ("[1]", "row 2: expected an object"),
        ({}, "row 2: no text"),
        ({"text": 5}, "row 2: text must be a text, not 5"),
        ({"text": "x", "tickers": "AMD"}, 'row 2: tickers must be a list of symbols, not "AMD"'),
        ({"text": "x", "tickers": [1]}, "row 2: tickers must be a list"),
        ({"text": "x", "subject": ["AMD"]}, "row 2: subject must be a text"),
        ({"text": "x", "bar": "yes"}, 'row 2: bar must be true or false, not "yes"'),
        ({"text": "x", "catalyst": "merger"}, "row 2: catalyst 'merger' is none of offering,"),
        ({"text": "x", "catalyst": "fda", "alt": "other"}, "row 2: alt must be a list"),
        ({"text": "x", "id": {}}, "row 2: id must be"),
        ({"a": "one", "same": True}, "row 2: no b"),
        ({"a": "one", "b": "two"}, "row 2: a pair needs same"),
    ],
)
def test_a_wrong_row_is_told_with_its_number(tmp_path, row, complaint):
    """One line: the file, the row, what is wrong."""
    with pytest.raises(InputError) as error:
        load_labels(written(tmp_path, {"text": "good"}, row))
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_without_labels_is_refused(tmp_path):
    """Empty, missing, a folder, or no text at all."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for file, words in (
        (written(tmp_path, ""), "no labelled headlines"),
        (tmp_path / "none", "not readable (No such file or directory)"),
        (tmp_path, "not readable (Is a directory)"),
        (tmp_path / "binary", "no UTF-8 at byte 0"),
    ):
        with pytest.raises(InputError) as error:
            load_labels(file)
        assert str(error.value).startswith(f"{file}: {words}")
