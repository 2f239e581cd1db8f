import time

import pytest

from momentum_kit.detection.news import BodyKind, SymbolMaster, leaves_open, read_body, read_headline

MASTER = SymbolMaster({"NWTX": "Northwind Therapeutics Inc", "BRLA": "Borealis Airframes Corp"})
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "kind", "dilution", "symbols"),
    [
        (
            "BOSTON -- Northwind Therapeutics (NASDAQ: NWTX) announced Phase 2 data.&#10;&#10;Separately, it entered "
            "into a securities purchase agreement with investors for $12 million of common stock.",
            BodyKind.TEXT, "securities purchase agreement", ("NWTX",),
        ),
        (
            "<html><head><style>p {margin: 0}</style><title>Registered direct offering</title></head><body><p>"
            "Borealis (NYSE: BRLA) reports a record quarter.</p><p>It priced an underwritten public offering.</p>",
            BodyKind.HTML, "underwritten public offering", ("BRLA",),
        ),
        (
            "<p>It won approval.</p><div>About Northwind</div><p>It sold stock in a registered direct offering.</p>",
            BodyKind.HTML, "", (),
        ),
        (
            '<?xml version="1.0"?><story><![CDATA[Northwind announces a registered direct offering.]]></story>',
            BodyKind.XML, "registered direct offering", (),
        ),
        ("The company won an order.\nForward-looking statements: an offering may follow.", BodyKind.TEXT, "", ()),
        ("", BodyKind.TEXT, "", ()),
    ],
)  # fmt: skip
def test_the_lead_is_read_in_whatever_it_was_written(text, kind, dilution, symbols):
    """Sentences that sell shares, and tickers with their exchange; not what every release ends with, nor its title."""
    found = read_body(text, MASTER)
    assert (found.kind, tuple(mention.symbol for mention in found.mentions)) == (kind, symbols)
    assert (dilution in found.dilution) if dilution else found.dilution == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "offering">{LAUGHS}]><l>&l11;</l>', BodyKind.XML),
        ('<?xml version="1.0"?><!DOCTYPE l [<!ENTITY f SYSTEM "file:///etc/passwd">]><l>&f;</l>', BodyKind.XML),
        ('<!DOCTYPE html SYSTEM "http://127.0.0.1:1/x.dtd"><p>words</p>', BodyKind.HTML),
        ("<div>" * 2_000_000, BodyKind.HTML),
        ("<p>" + "a. " * 3_000_000, BodyKind.HTML),
        ("<a " * 3_000_000, BodyKind.TEXT),
        ("(NASDAQ: " * 1_000_000, BodyKind.TEXT),
        ("x" * 10_000_000, BodyKind.TEXT),
        ("<p>\ud800\udfff\x00\u202e&#xD800;&#0;\ufffd</p>", BodyKind.HTML),
        (b"<p>\xff\xfe\xc3(</p>".decode("utf-8", "surrogateescape"), BodyKind.HTML),
    ],
    ids=[
        "laughs",
        "external",
        "dtd",
        "nested",
        "sentences",
        "half tags",
        "half tickers",
        "huge",
        "strange",
        "no utf-8",
    ],
)
def test_a_hostile_body_says_nothing_and_takes_no_time(text, kind):
    """Entities are not expanded, nothing is fetched or opened, and 10 MB take less than the 50 ms of a stall.

    The quickest of three: a busy machine charges a thread for more than its own work.
    """
    took = []
    for _ in range(3):
        began = time.thread_time()
        found = read_body(text, MASTER)
        took.append(time.thread_time() - began)
        assert (found.kind, found.dilution, found.mentions) == (kind, "", ())
    assert min(took) < 0.05


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("Northwind Therapeutics (NASDAQ: NWTX) Announces Business Update", True),
        ("Northwind Therapeutics (NASDAQ: NWTX) Prices Public Offering Of Common Stock", False),  # barred as it is
        ("Northwind Therapeutics (NASDAQ: NWTX) Halted On Circuit Breaker", False),
        ("Macular degeneration drug (AMD) meets its goal", True),  # something looked like a company
        ("Fed Leaves Rates Unchanged", False),
    ],
)
def test_an_article_is_wanted_only_where_it_may_add_something(text, is_open):
    """A headline that is barred already, and one without any company, leave nothing open."""
    assert leaves_open(read_headline(text, master=MASTER)) is is_open
