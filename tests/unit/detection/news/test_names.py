"""Companies found by name; the names are real ones, the sentences are not."""

import pytest

from momentum_kit.detection.news import ListedName, SymbolMaster, read_headline
from momentum_kit.storage.symbols import bundled_master

ROWS = """symbol,name,exchange
MSFT,MICROSOFT CORP,Nasdaq
WMT,Walmart Inc.,NYSE
GOOGL,Alphabet Inc.,Nasdaq
GOOG,Alphabet Inc.,Nasdaq
BRK-B,BERKSHIRE HATHAWAY INC,NYSE
BRK-A,BERKSHIRE HATHAWAY INC,NYSE
ORCL,ORACLE CORP,NYSE
VRTX,VERTEX PHARMACEUTICALS INC / MA,Nasdaq
MCD,MCDONALDS CORP,NYSE
TGT,TARGET CORP,NYSE
GAP,GAP INC,NYSE
ALLY,Ally Financial Inc.,NYSE
JEF,Jefferies Financial Group Inc.,NYSE
BTI,British American Tobacco p.l.c.,NYSE
ELF,"e.l.f. Beauty, Inc.",NYSE
BKR,Baker Hughes Co,Nasdaq
STZ,"CONSTELLATION BRANDS, INC.",NYSE
SAM,BOSTON BEER CO INC,NYSE
MANU,Manchester United plc,NYSE
VERX,"Vertex, Inc.",Nasdaq
CRDL,Cardiol Therapeutics Inc.,Nasdaq
OPTN,OptiNose Inc,Nasdaq
GFAI,Guardforce AI Co. Ltd,Nasdaq
GFAIW,Guardforce AI Co. Ltd,Nasdaq
RGS,REGIS CORP,Nasdaq
USEG,US ENERGY CORP,Nasdaq
KULR,"KULR Technology Group, Inc.",NYSE
NXTC,"NextCure, Inc.",Nasdaq
HEPS,D-MARKET Electronic Services & Trading,Nasdaq
LGND,LIGAND PHARMACEUTICALS INC,Nasdaq
CANF,Can-Fite BioPharma Ltd.,NYSE
BIOA,Biolase Amer Holdings,Nasdaq
DBORU,D. Harbor Acquisition Corp I,Nasdaq
"""
GIANTS = ("AAPL", "NVDA", "AMZN", "META", "AVGO", "TSLA", "JPM", "LLY")
FILLERS = (f"{a}{b}x" for a in ("Qu", "Vo", "Zy", "Kri", "Plo", "Dwe", "Ska", "Fru", "Gno", "Tri") for b in range(40))
# sorted by size, as the SEC's list is, and long enough to be taken for one
LISTED = [
    *(ListedName(symbol=symbol, name=f"{symbol.title()}ington Corp") for symbol in GIANTS),
    *SymbolMaster.from_csv(ROWS.splitlines()).rows,
    *(ListedName(symbol=f"X{number}", name=f"{name} Inc") for number, name in enumerate(FILLERS)),
]
MASTER = SymbolMaster(LISTED, complete=False)


def read(text: str, contract: str = "") -> tuple[list[str], str]:
    """The symbols, and the subject."""
    reading = read_headline(text, contract_symbol=contract, master=MASTER)
    return [mention.symbol for mention in reading.mentions], reading.subject


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("Cardiol Therapeutics Announces Completion of Enrollment", "CRDL"),
        ("Cardiol's heart drug clears mid-stage study", "CRDL"),
        ("OptiNose shares are trading higher after the company raised guidance", "OPTN"),
        ("Why KULR Tech Stock Is Falling Today", "KULR"),
        ("Guardforce AI Co. Limited Receives Nasdaq Notice", "GFAI"),
        ("Regis Corp Q4 EPS $0.42 Beats $0.31 Estimate", "RGS"),
        ("McDonald's to Raise Wages at Company-Owned Stores", "MCD"),
        ("E.l.f. Beauty cuts full-year outlook", "ELF"),
        ("D-Market Q2 revenue up 12%", "HEPS"),
        ("Can-Fite regains compliance with minimum bid rule", "CANF"),
        ("Ligand Pharma to acquire royalty on eye drug", "LGND"),
        ("HC Wainwright & Co. Reiterates Buy on NextCure, Maintains $4 Price Target", "NXTC"),
        ("FDA declines to approve OptiNose's sinusitis spray", "OPTN"),
        ("Oracle stock jumps as cloud backlog doubles", "ORCL"),
        ("Google must face privacy class action, judge rules", "GOOGL"),
        ("Target Corp trims annual sales forecast", "TGT"),
        ("British Amer Tobacco launches $1.1 billion buyback", "BTI"),
        ("Berkshire Hathaway Class A shares hit record", "BRK A"),
        ("Berkshire Hathaway posts record operating profit", "BRK B"),
        ("Vertex Inc. Reports Second Quarter Results", "VERX"),
        ("Vertex Pharma pain drug wins approval", "VRTX"),
    ],
)
def test_a_company_is_found_as_newsrooms_write_it(text: str, symbol: str) -> None:
    """Short names, abbreviations, possessives, trade names and classes."""
    assert read(text) == ([symbol], symbol)


@pytest.mark.parametrize(
    "text",
    [
        "ECB Sees Inflation Near Its Target Next Year",
        "Gap Between Rich and Poor Widens",
        "Longtime Ally of President Named Envoy",
        "Oracle of Delphi Exhibit Opens in Athens",
        "Boston Mayor Wins Primary",
        "Manchester United Beat Chelsea in Cup Final",
        "US Energy Secretary Visits Texas",
        "Baker Hughes: U.S. Rig Count Rises by 3",
        "Jefferies strategists see S&P 500 at 6,800",
        "Target prices rise as demand for steel grows",
        "Microsoft-Backed Startup Raises $200 Million",
        "D. Harbor Captain Rescued Off Maine",
        "Constellation Seen From Southern Hemisphere",
        "\u0421ardiol Therapeutics wins award",  # a Cyrillic letter
    ],
)
def test_ordinary_words_name_nobody(text: str) -> None:
    """Words that companies share with English, places, sports and economists are no company's news."""
    assert read(text) == ([], "")


def test_two_companies_with_one_name_are_skipped_with_both_as_the_reason() -> None:
    """Which Vertex it is cannot be guessed with money."""
    reading = read_headline("Vertex shares fall after results", master=MASTER)
    assert reading.mentions == ()
    (refusal,) = reading.refusals
    assert (refusal.check, refusal.candidate[:4]) == ("ambiguous", "VERX")
    assert "VRTX, VERTEX PHARMACEUTICALS" in refusal.candidate


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Constellation Brands to Acquire Boston Beer for $9 Billion", (["SAM"], "SAM")),
        ("Boston Beer to Be Acquired by Constellation Brands", (["SAM"], "SAM")),
        ("OptiNose Licenses Nasal Spray to Ligand Pharmaceuticals", (["OPTN"], "OPTN")),
        ("OptiNose Falls Following Microsoft's Data Breach", (["OPTN"], "OPTN")),
        ("OptiNose, NextCure, Cardiol Therapeutics: Biotech Stocks Moving Higher", (["OPTN", "NXTC", "CRDL"], "")),
        ("Stocks Mixed; Regis Corp Posts Upbeat Earnings", (["RGS"], "")),
        ("Jefferies Downgrades Regis to Hold", (["RGS"], "RGS")),
    ],
)
def test_who_acts_is_not_whom_the_news_moves(text: str, found: tuple[list[str], str]) -> None:
    """The bought, the licensor and the rated are the subject; equals in a list and wraps of the market have none."""
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "contract", "kept"),
    [
        ("Cardiol Therapeutics Announces Completion of Enrollment", "CRDL", True),
        ("Vertex shares fall after results", "VERX", True),
        ("Vertex shares fall after results", "VRTX", True),
        ("Cardiol Therapeutics Announces Completion of Enrollment", "OPTN", False),
        ("Phase 3 study met its primary endpoint", "OPTN", False),
        ("OPTN wins patent for its spray", "OPTN", True),
        ("STOCK OPTNS RULES", "OPTN", False),
        ("Target date funds gain popularity", "GAP", False),
        ("Jefferies Downgrades Regis to Hold", "JEF", False),
        ("Zephyrion Bio wins patent", "ZPHB", True),  # listed since the master was made
        ("Cardiol Therapeutics Announces Completion of Enrollment", "ZPHB", False),
    ],
)
def test_a_tie_is_a_hint(text: str, contract: str, kept: bool) -> None:
    """The broker's tie counts where the text names the company, and settles which of two with one name it is."""
    assert (contract in read(text, contract)[0]) is kept


def test_a_match_says_what_it_rests_on() -> None:
    """Rule, words and confidence; a whole rare name is surer than an ordinary word in good company."""
    (sure,) = read_headline("Cardiol Therapeutics Announces Enrollment", master=MASTER).mentions
    (less,) = read_headline("Oracle Raises Dividend by 5%", master=MASTER).mentions
    assert (sure.rule, sure.words) == ("name", "Cardiol Therapeutics")
    assert 1.0 > sure.confidence > less.confidence > 0.5


def test_an_unlisted_ticker_must_be_spelled_by_the_name_beside_it() -> None:
    """A list grows old: a new ticker beside its own name counts, a mistyped one gives way to the name."""
    assert read("Zephyrion Bio (ZPHB) wins patent") == (["ZPHB"], "ZPHB")
    assert read("NextCure (NXCZ) wins patent") == (["NXTC"], "NXTC")
    assert read("Bureau of Labor Statistics (BLS) delays report") == ([], "")


def test_securities_beside_their_common_stock_are_left_out() -> None:
    """Warrants and preferreds of a company whose common stock is named move with it."""
    assert read("$GFAI $GFAIW - Guardforce AI prices offering") == (["GFAI"], "GFAI")
    assert read("$BRK.A slips") == (["BRK A"], "BRK A")


@pytest.mark.parametrize(
    "text",
    [
        "DJ Baker Hughes U.S. Rig Count Falls by 4 to 583",
        "Target Date Funds See Record Inflows, Morningstar Data Show",
        "DJ MSCI Emerging Markets Index Falls 1.2%",
        "DJ FactSet: Earnings Growth for S&P 500 Seen at 8.9%",
        "DJ Cboe Volatility Index Jumps to Highest Since March",
    ],
)
def test_who_only_counts_is_no_subject(text: str) -> None:
    """A name before its count, its index or its data is a source, behind a newswire's mark as well."""
    assert read_headline(text, master=bundled_master()).mentions == ()


@pytest.mark.parametrize(
    "text",
    [
        "Ocean Power Station Floated Off Orkney",
        "Star Bulk Of Galaxy Weighed By Astronomers",
        "Applied Digital Humanities Center Named At Yale",
        "Vital Farms Aid Bill Stalls In Senate",
        "Black Rifle Found At Crash Site, Police Say",
        "Clear Secure Border Bill Vote Set For Tuesday",
        "Power Solutions Sought As Texas Heat Strains Grid",
        "Container Store Of Illegal Ivory Seized In Mombasa",
        "Steel Connect Road Opened In Sheffield",
        "Nordic American Council Elects New Chair",
        "Hall Of Fame Resort Town Votes On Tax",
        "Smart For Life Diet Study Retracted",
        "Noodles Recalled In Korea Over Choking",
        "Sun Country Farmers In Queensland Get Flood Aid",
        "Clean Energy Fuels Debate In Bavaria",
        "Southern Copper Belt Strike Ends In Zambia",
        "Rocket Pharmaceuticals Of Old: V-2 Fuel Vials Auctioned",
        "Freedom Holding Rally Planned In Almaty",
        "Summit Therapeutics Of Talk: Leaders Gather In Hiroshima",
        "Atlantic Union Of Fishermen Blocks Port",
        "Farmers & Merchants Protest EU Trade Deal In Brussels",
        "Guardian Pharmacy Of Village To Close, Locals Say",
        "Marine Products Ban Lifted By China On Japan",
        "Old Republic Flag Flown At Rally In Catalonia",
        "Park Ohio Bill Would Fund State Trails",
        "Ranger Oil Spill Off Louisiana Contained",
        "Sharps Container Dumped On Beach, Council Says",
        "Superior Court Of Quebec Backs Language Law",
        "Texas Capital Punishment Resumes",
        "Union Pacific Islands Summit Opens In Tonga",
        "Village Super Market Day Draws Thousands In Lagos",
        "Western Union Of Soldiers Seeks Back Pay In Kenya",
        "Zion Oil Lamp Found In Jerusalem Dig",
        "DJ Melrose Industries Sees Higher Margin",
        "Space Minister Visits Rocket Lab-Style Hangar In Kourou",
        "Orchard Vineyards Face Frost Along The Willamette",
        "SPLASH BEVERAGE DUTY VOTED DOWN IN OSLO",
        "Palantir-Hobbit Ring Sold At Auction",
        "Etsy Parish Council Meets In Hungary",
        "Nordic Wind Market Report 2026 - Vestas, Broadwind Lead",
        "Schroder Trust: Net Asset Value",
        "Moody's Cuts Kenya, Sees Deficit",
        "On Holding Talks: Envoy Says Not Yet",
    ],
)
def test_plain_words_of_many_names_are_things_and_places(text: str) -> None:
    """Names of ordinary words need the verbs of companies behind them and nothing attached; fields make other names."""
    assert read_headline(text, master=bundled_master()).mentions == ()


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        (">TPIC: TPI Composites 2Q Revenue $276M", "TPIC"),
        ("Sealed Air in Talks With Buyout Firms >SEE", "SEE"),
        ("BRZE raises FY26 revenue view to $700M", "BRZE"),
        ("TRIP Stock Gains On Buyout Report", "TRIP"),
        ("CFO of Flux Power Steps Down", "FLUX"),
        ("DJ Winnebago Trims Outlook on Weak Traffic", "WGO"),
        ("Beazer Homes Adds $50M to Share Repurchase", "BZH"),
        ("Kodak Warns of Substantial Doubt", "KODK"),
        ("DeFi-Focused Sonnet Bio Prices Offering", "SONN"),
        ("Evaxion-Merck Pact Expanded", "EVAX"),
        ("NASA Picks Intuitive Machines Over Firefly For Rover", "LUNR"),
        ("Uber Picks Serve Robotics For Dallas", "SERV"),
        ("Volkswagen Picks Innoviz For ID. Buzz", "INVZ"),
        ("Plug Power, Uline Extend Deal To 2030", "PLUG"),
    ],
)
def test_a_company_is_found_as_the_wires_write_it(text: str, symbol: str) -> None:
    """Dow Jones's marks, a bare ticker before its figures, officers, short names whose rest says only what it does."""
    assert read_headline(text, master=bundled_master()).subject == symbol


@pytest.mark.parametrize(
    "text",
    [
        "Minister Zevra Quits Cabinet",
        "Hurricane Etsy Strengthens",
        "Judge Cadrenal Rejects Plea",
        "Mayor Of Alkermes Steps Down",
        "Kyverna, 92, Dies In Rome",
        "In Palantir, Voters Tire Of War",
        "Zevra Man Charged In Dublin",
        "Etsy Tribe Wins Land Case",
        "Alkermes: War Must End, Envoy Says",
        "Masimo Language Course Axed By Ministry",
    ],
)
def test_persons_places_and_storms_are_no_companies(text: str) -> None:
    """However rare the word: a title before it, an age, a people or a language behind it say what it is."""
    assert read_headline(text, master=bundled_master()).mentions == ()


@pytest.mark.parametrize(
    "text",
    [
        "Qzarv Holdings To Sell $2B Of Preferred Stock",
        "Qzarv Holdings Closes Round With Lead Investor Named Later",
        "Qzarv Holdings Welcomes Strategic Investor To Its Board",
        "Qzarv Holdings Upsizes Direct Offering",
    ],
)
def test_a_term_of_finance_names_nobody(text: str) -> None:
    """Preferred Bank, Lead Real Estate and Strategic Education are called by words of it; the list that comes along."""
    assert read_headline(text, master=bundled_master()).mentions == ()


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("Oklo announces $400M common stock offering, BofA and TD Cowen leading", "OKLO"),
        ("Plug Power Stock Sale: Oppenheimer to Buy Up to $1B Over Two Years -- 8-K", "PLUG"),
        ("Archer Aviation prices 25M shares at $12, Goldman, Morgan Stanley underwriting", "ACHR"),
        ("Goldman Sachs To Sell $2B Of Preferred Stock", "GS"),
    ],
)
def test_who_sells_anothers_shares_is_no_subject(text: str, symbol: str) -> None:
    """A bank behind the company whose shares it sells; its own shares are its own news."""
    assert [each.symbol for each in read_headline(text, master=bundled_master()).mentions] == [symbol]
