"""How company names are written: their words, the newsrooms' abbreviations, and how much each word says.

A word that few companies share and that is no English proves a company by itself; "United" or "Bank" proves nothing.
"""

import re
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

_WORD = re.compile(r"\d+(?:[.,]\d+)+\w*|(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’`&][^\W_]+)*['’`]?")  # noqa: RUF001 (newsrooms' apostrophe)
_JOINTS = re.compile(r"['’`&.]")  # noqa: RUF001
_STATE = re.compile(r"\s{0,3}[/\\(][^/\\()]{1,12}[/\\)]?\s*$")  # "/DE/", "(The)": where a company is incorporated
_PRINTED = 30  # letters of the longest word that can be a name


class Word(NamedTuple):
    """A word of a headline: lower case and abbreviations resolved; bare: without a possessive s."""

    key: str
    bare: str
    raw: str
    start: int
    end: int


def _spread(lines: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


LEGAL = _spread((
    "inc incorporated corp corporation co company companies ltd limited plc llc lp nv sa ag ab asa spa se pbc cayman",
    "bv gmbh kk oyj sab cv adr ads class the trust reit lllp",
))  # fmt: skip
"""What a company is by law; behind a name it proves that one stands there."""

LEGAL_ABROAD = _spread(("oyj ab asa ag gmbh spa kk bv nv sab cv se sa plc",))
"""Forms that American law does not have: a name with one that ours lacks is another company's."""

_LEGAL_PARTS = LEGAL | {"s", "n", "v", "p", "l", "a", "de"}

DESCRIPTORS = _spread((
    "group holdings international global industries enterprises ventures partners capital solutions services systems",
    "technologies networks software semiconductor laboratories communications entertainment media interactive digital",
    "therapeutics pharmaceuticals biosciences biopharma biotech biotherapeutics biologics biomedical bio medical",
    "medicines health healthcare sciences oncology genetics genomics diagnostics immunotherapeutics immunotherapies",
    "energy power resources petroleum oil gas mining minerals metals materials steel chemical chemicals lithium",
    "uranium bancorp bancshares bankshares bancorporation financial bank insurance assurance acquisition realty",
    "properties estate investment hospitality hotels resorts brands foods beverage restaurants stores motors",
    "automotive airlines aerospace defense robotics instruments electronics devices data com ai io education water",
    "marine maritime shipping logistics transportation manufacturing products equipment infrastructure management",
    "investors royalty",
))  # fmt: skip
"""What companies do; newsrooms leave it out: "Replimune" for Replimune Group."""

FIELDS = _spread((
    "scientific surgical aesthetics neuroscience neurosciences vaccines immunology photonics optics imaging sensors",
    "wireless telecom broadcasting publishing studios gaming games sports fitness wellness cannabis apparel footwear",
    "jewelry furniture homes packaging paper machinery tools controls lighting aviation aircraft airways solar "
    "hydrogen",
    "nuclear battery batteries copper payments lending mortgage advisors leisure lodging casinos pharmacy dental "
    "mobility",
    "enterprise biosystems biologics computing software brewing trucking engineering construction",
))  # fmt: skip
"""What they do as well; behind the short name of one company it is another's: "Capstone Copper"."""

ABBREVIATIONS = {
    "amer": "american", "bancorporation": "bancorp", "biopharmaceutical": "biopharma",
    "biopharmaceuticals": "biopharma", "bioscience": "biosciences", "biosci": "biosciences",
    "biotechnologies": "biotech", "biotechnology": "biotech", "comm": "communications", "comms": "communications",
    "commun": "communications", "corp": "corp", "dev": "development", "devs": "development", "elec": "electric",
    "energies": "energy", "ent": "entertainment", "entmt": "entertainment", "finl": "financial",
    "grp": "group", "hlth": "health", "hldg": "holdings", "hldgs": "holdings", "holding": "holdings",
    "inds": "industries", "ind": "industries", "ins": "insurance", "intl": "international", "labs": "laboratories",
    "lab": "laboratories", "laboratory": "laboratories", "med": "medical", "mfg": "manufacturing",
    "mgmt": "management", "mgt": "management", "natl": "national", "pharm": "pharmaceuticals",
    "pharma": "pharmaceuticals", "pharmaceutical": "pharmaceuticals", "prods": "products", "pptys": "properties",
    "props": "properties", "res": "resources", "rlty": "realty", "sci": "sciences", "science": "sciences",
    "semi": "semiconductor", "semiconductors": "semiconductor", "semis": "semiconductor", "solns": "solutions",
    "svc": "services", "svcs": "services", "sys": "systems", "system": "systems", "tech": "technologies",
    "technology": "technologies", "techs": "technologies", "tele": "telecom", "therap": "therapeutics",
    "therapeutic": "therapeutics", "transport": "transportation", "univ": "university",
}  # fmt: skip
"""Newsrooms' and registries' short forms, and forms that differ from filing to filing."""

CORPORATE = _spread((
    "group holdings industries enterprises ventures technologies networks semiconductor laboratories therapeutics",
    "pharmaceuticals biosciences biopharma biotech biotherapeutics biologics biomedical bio medicines oncology",
    "genomics diagnostics immunotherapeutics petroleum bancorp bancshares bankshares acquisition realty properties",
    "hospitality brands restaurants aerospace robotics photonics electronics metals minerals pharma",
))  # fmt: skip
"""Those that hardly stand in a headline but in a company's name."""

GENERIC = _spread((
    "first second new old great big best all one us usa u united american america national federal general global",
    "world international european china chinese north south east west northern southern eastern western central",
    "pacific atlantic texas california york city state states community citizens people home house public private",
    "business consumer industrial commercial standard universal smart green blue red gold silver bank of and for real",
    "life energy oil gas power water air space news market markets trade money cash credit capital income growth value",
    "equity stock stocks share shares brazil japan korea india israel canada mexico hong kong singapore france germany",
    "italy spain russia ukraine taiwan australia britain england ireland scotland turkey iran iraq egypt africa asia",
    "europe latin argentina chile peru vietnam thailand indonesia greece sweden norway denmark finland poland london",
    "paris tokyo beijing shanghai boston chicago washington florida ohio virginia carolina jersey georgia arizona",
    "nevada colorado michigan maryland utah hawaii alaska oregon kansas dallas houston miami atlanta bitcoin ether",
    "ethereum solana dogecoin crypto blockchain stablecoin covid vaccine las vegas los angeles san diego francisco",
    "philadelphia seattle denver phoenix detroit on in at by to up as or off so it its no go be we",
))  # fmt: skip
"""First words that name nobody: too many companies and too much else begin so."""

TRADE_NAMES: dict[str, tuple[str, ...]] = {
    "ABNB": ("Airbnb",), "ABT": ("Abbott",), "AXP": ("AmEx",), "BAC": ("BofA", "Bank of America"),
    "BUD": ("AB InBev",), "BMY": ("Bristol-Myers", "BMS"), "C": ("Citi",), "CHTR": ("Charter",), "COST": ("Costco",),
    "DIS": ("Disney",), "EL": ("Estee Lauder",), "HIMS": ("Hims",), "IBM": ("IBM",), "KODK": ("Kodak",),
    "DD": ("DuPont",), "GE": ("GE",), "GM": ("GM",), "GOOGL": ("Google",),
    "GS": ("Goldman",), "HD": ("Home Depot",), "HSBC": ("HSBC",), "JNJ": ("J&J",), "JPM": ("JP Morgan", "J.P. Morgan"),
    "KO": ("Coca-Cola", "Coke"), "LLY": ("Lilly", "Eli Lilly"), "LOW": ("Lowe's",), "LUV": ("Southwest",),
    "META": ("Facebook",), "MMM": ("3M",), "MSTR": ("MicroStrategy",), "NYT": ("New York Times Co",),
    "PEP": ("Pepsi",), "PG": ("P&G",), "RL": ("Ralph Lauren",), "RTX": ("Raytheon",), "SCHW": ("Schwab",),
    "STLA": ("Stellantis",), "TROW": ("T. Rowe Price", "T. Rowe"), "TSM": ("TSMC",), "UPS": ("UPS",),
    "VZ": ("Verizon",), "WBA": ("Walgreens",), "WBD": ("Warner Bros.",), "XOM": ("ExxonMobil",), "XYZ": ("Square",),
}  # fmt: skip
"""What newsrooms call a company whose filed name begins otherwise."""

COUNTRIES = _spread((
    "chile brasil brazil mexico argentina peru colombia china india japan korea taiwan canada australia europe america",
    "americas asia africa israel germany france italy spain uk argentaria pacific international hellenic iberia",
))  # fmt: skip
"""Behind a parent's name they make a subsidiary's: "Enel Chile"."""

NEVER_ALONE = _spread((
    "aaa bbb ccc nasdaq nyse cboe dow russell reuters bloomberg barrons marketwatch benzinga sp spx finra sec fda opec",
    "trump tencent monday tuesday wednesday thursday friday saturday sunday january february march april june july",
    "august september october november december q1 q2 q3 q4 1q 2q 3q 4q h1 h2",
))  # fmt: skip
"""Exchanges, indices, newsrooms, regulators, days: what stands in headlines about others."""


def split_words(text: str) -> list[Word]:
    """The words of a text in order; "O'Reilly" is one, "AT&T" is one, "Bio-Rad" are two."""
    words = []
    for match in _WORD.finditer(text):
        raw = match[0]
        if len(raw) > _PRINTED:
            continue
        key, bare = _forms(raw)
        words.append(Word(key, bare, raw, match.start(), match.end()))
    return words


@lru_cache(maxsize=1 << 16)
def _forms(raw: str) -> tuple[str, str]:
    """A word in lower case with abbreviations resolved, and the same without a possessive s."""
    key = raw.casefold()
    if raw.isalnum():
        key = ABBREVIATIONS.get(key, key)
        return key, key
    bare = _JOINTS.sub("", key[:-2] if key[-2:] in ("'s", "’s", "`s") else key)  # noqa: RUF001
    return _JOINTS.sub("", key), ABBREVIATIONS.get(bare, bare)


def name_words(name: str) -> list[str]:
    """A company's name as words of a headline, without its state and without "and"."""
    plain = _STATE.sub("", name.strip())
    return [word.key for word in split_words(plain.replace("&", " & ") if " & " in plain else plain)
            if word.key != "and"]  # fmt: skip


def core_words(words: list[str]) -> list[str]:
    """Without what a company is by law: "Inc" behind, "The" before."""
    begin = 1 if len(words) > 1 and words[0] == "the" else 0
    end = len(words)
    while end > begin + 1 and words[end - 1] in _LEGAL_PARTS:
        end -= 1
    return words[begin:end]


def short_words(core: list[str]) -> list[str]:
    """Without what it does as well, as far as more than generic words are left."""
    end = len(core)
    while end > 1 and (core[end - 1] in DESCRIPTORS or core[end - 1] in FIELDS) and not set(core[: end - 1]) <= GENERIC:
        end -= 1
    while end > 1 and core[end - 1].isdigit():  # "SaverOne 2014"
        end -= 1
    return core[:end]


@lru_cache(maxsize=1)
def _english() -> dict[str, int]:
    """How ordinary each English word is: 1 the commonest to 4, 5 for names of persons and places, 6 for rare ones."""
    levels: dict[str, int] = {}
    level = 0
    for line in (files(__package__) / "english.txt").read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            level = int(line[1:])
        else:
            levels.update(dict.fromkeys(line.split(), level))
    return levels


_ENDINGS = (("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("ied", "y"), ("ing", ""), ("ing", "e"),
            ("ly", ""), ("er", ""), ("ness", ""))  # fmt: skip


def commonness(word: str) -> int:
    """1 for the commonest English words to 4, 5 and 6 for names of persons and places, 0 for no English."""
    english = _english()
    level = english.get(word, 0)
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > 2:  # "travelers" is as ordinary as "travel"
            stem = word[: -len(ending)] + instead
            found = english.get(stem, 0) or (commonness(stem) if ending == "s" else 0)
            if 0 < found < (level or 7):
                level = found
    return level


_WEIGHTS = {0: 3.0, 1: 0.3, 2: 0.6, 3: 1.0, 4: 1.6, 5: 1.6, 6: 2.3}


def weigh(word: str, sharers: int) -> float:
    """How much a word proves, 0..3; sharers: how many companies have it in their names."""
    if word in GENERIC or word in LEGAL or sharers >= 25:
        return 0.2
    if word.isdigit() or len(word) == 1:
        return 0.2
    if not word.isalpha():
        weight = 1.5  # C3, T1
    elif len(word) <= 3 and not commonness(word):
        weight = 1.0 if len(word) == 2 else 2.2
    else:
        weight = _WEIGHTS[commonness(word)]
    return min(weight, 0.8) if sharers >= 8 else weight
