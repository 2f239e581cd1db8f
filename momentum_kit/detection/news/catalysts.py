"""Why a headline may move a price: ordered rules, the most harmful to a long position first.

A rule needs its context: "merger" alone is nothing (in one audit of such keywords every hit was false), "to be
acquired", "per share in cash" or "merger agreement" is something. What matches no rule is OTHER.
"""

import re
from dataclasses import dataclass

from momentum_kit.models import Catalyst


@dataclass(frozen=True, slots=True)
class CatalystMatch:
    """The catalyst and the name of the rule that found it; `none` for OTHER."""

    catalyst: Catalyst
    rule: str


_MONEY = r"(?:US|C)?\$\s?\d[\d.,]*\s?(?:million|billion|mln|bln|mm|m|b|k)?\b"
_SECURITIES = r"(?:common stock|ordinary shares|shares|ads|adss|units|warrants|notes|securities|equity)"

_RULES: tuple[tuple[Catalyst, str, str], ...] = (
    # dilution
    (Catalyst.OFFERING, "registered direct", r"\bregistered direct\b"),
    (Catalyst.OFFERING, "at the market", r"\bat-the-market\b|\batm (?:offering|program|facility|sales)\b"),
    (
        Catalyst.OFFERING,
        "offering",
        r"\b(?:public|secondary|follow-on|underwritten|equity|stock|share|unit|note|notes|adss?|rights|bought deal|"
        r"best efforts|private|direct|warrant) offering\b|\bpric(?:es|ed|ing) (?:of )?(?:\S+ ){0,6}?offering\b|"
        r"\bannounces? (?:proposed |pricing of |closing of )?(?:\S+ )?offering\b|\bproposed offering\b|"
        r"\boffering of (?:\S+ ){0,4}?" + _SECURITIES,
    ),
    (Catalyst.OFFERING, "private placement", r"\bprivate placement\b|\bpipe (?:financing|investment|deal)\b"),
    (
        Catalyst.OFFERING,
        "convertible",
        r"\bconvertible (?:senior |subordinated |secured |promissory )*(?:notes?|debentures?|bonds?|preferred)\b",
    ),
    (
        Catalyst.OFFERING,
        "warrants",
        r"\b(?:exercise|inducement|issu(?:e|es|ance)|repric(?:e|es|ing)) (?:of )?(?:\S+ ){0,3}?warrants?\b|"
        r"\bwarrant (?:inducement|exercise|repricing)\b",
    ),
    (
        Catalyst.OFFERING,
        "shelf",
        r"\bfil(?:es|ed|ing)\b.{0,40}\b(?:mixed )?(?:shelf|s-1|s-3|f-1|f-3|prospectus)\b|\bmixed shelf\b|"
        r"\bsell(?:s|ing)? (?:up to )?[\d.,]+\s?(?:million|m)? (?:common |ordinary )?shares\b|\bequity line\b",
    ),
    (Catalyst.REVERSE_SPLIT, "reverse split", r"\breverse (?:stock |share )?split\b|\bshare consolidation\b"),
    # survival
    (
        Catalyst.DELISTING,
        "delisting",
        r"\bdelist(?:s|ed|ing)?\b|\b(?:nasdaq|nyse|listing|bid price) (?:\S+ ){0,3}?(?:deficiency|non-?compliance)\b|"
        r"\bminimum bid price\b(?!.{0,30}regain)|\bnon-?compliance (?:notice|letter|with (?:nasdaq|nyse))\b",
    ),
    (
        Catalyst.DELISTING,
        "insolvency",
        r"\bchapter (?:7|11)\b|\bbankruptcy\b|\bgoing[- ]concern\b|\bceases? operations\b|\bwind(?:s|ing)? down\b|"
        r"\bdissol(?:ve|ution) (?:plan|and liquidation)\b|\bplan of (?:liquidation|dissolution)\b|\bdefaults? on\b",
    ),
    # clinic, bad
    (
        Catalyst.CLINICAL_FAILURE,
        "complete response letter",
        r"\bcomplete response letter\b|\bcrl\b|\brefus(?:al|e|es)[- ]to[- ]file\b|\bnot approvable\b|"
        r"\bfda (?:rejects|declines|refuses|denies|turns down)\b|\bfda rejection\b|"
        r"\bfda (?:panel|advisers|advisory committee) votes? against\b",
    ),
    (Catalyst.CLINICAL_FAILURE, "clinical hold", r"^(?!.*\b(?:lift|remov|releas|resolv)).*\bclinical hold\b"),
    (
        Catalyst.CLINICAL_FAILURE,
        "missed endpoint",
        r"\b(?:did not|does not|fail(?:s|ed)? to|not) (?:meet|achieve|reach|hit)\b.{0,40}\bendpoints?\b|"
        r"\bmiss(?:es|ed)\b.{0,40}\bendpoints?\b|\b(?:trial|study|drug|phase (?:1|2|3|i|ii|iii)\S*)\b.{0,30}"
        r"\bfail(?:s|ed|ure)?\b|\bfail(?:s|ed)\b.{0,30}\b(?:trial|study)\b|"
        r"\b(?:discontinu|terminat|halt|paus|suspend)\w*\b.{0,40}\b(?:trial|study|program|phase)\b",
    ),
    # halted, accused
    (
        Catalyst.HALT,
        "trading halt",
        r"\b(?:trading|shares|stock) (?:is |are |was |were )?(?:halt(?:ed|s)?|suspend(?:ed|s)?)\b|\btrading halt\b|"
        r"\bhalted\b.{0,25}\b(?:news pending|volatility|t1|additional information)\b|\bhalts? trading\b",
    ),
    (
        Catalyst.LEGAL,
        "shareholder lawsuit",
        r"\bclass[- ]action\b|\blead plaintiff\b|\bshareholder (?:alert|lawsuit|investigation|rights)\b|"
        r"\binvestor (?:alert|deadline|notice|reminder)\b|\blaw (?:firm|offices?)\b|"
        r"\bloss(?:es)? (?:alert|in excess)\b",
    ),
    (
        Catalyst.LEGAL,
        "enforcement",
        r"\b(?:sec|doj|ftc|justice department|antitrust) (?:\S+ ){0,2}?"
        r"(?:probe|investigat\w+|charges?|sues?|subpoena\w*)\b|"
        r"\b(?:indict(?:ed|ment)|subpoena(?:ed|s)?|wells notice|accounting (?:fraud|irregularities)|fraud)\b|"
        r"\brestat(?:e|es|ement)\b.{0,25}\bfinancial|\bshort[- ](?:seller )?report\b|\bsues?\b|\blawsuit\b|"
        r"\bpatent infringement\b",
    ),
    # deals; who is bought and who buys is told apart by `classify`
    (
        Catalyst.MA_TARGET,
        "to be acquired",
        r"\b(?:to be|will be|agrees? to be|being|gets?) (?:acquired|bought|taken (?:private|over)|purchased)\b|"
        r"\bacquired by\b|\btake[- ]private\b|\bgo(?:es|ing)? private\b|\bbuyout (?:offer|bid|proposal|by)\b|"
        r"\b(?:takeover|acquisition|unsolicited|non-?binding|tender) (?:offer|bid|proposal|interest)\b"
        r".{0,30}\b(?:from|for)\b|"
        r"\breceives? (?:\S+ ){0,4}?(?:takeover|acquisition|buyout|unsolicited) (?:offer|bid|proposal)\b",
    ),
    (
        Catalyst.MA_ACQUIRER,
        "to acquire",
        r"\b(?:to acquire|acquires|will acquire|agrees? to (?:acquire|buy)|completes? acquisition of|"
        r"announces? (?:the )?acquisition of|to (?:buy|purchase) (?!back)(?:\S+ ){1,6}?for " + _MONEY + r")",
    ),
    (
        Catalyst.MA_TARGET,
        "merger terms",
        r"\bper share in (?:an )?(?:all-)?cash\b|\b" + _MONEY + r" (?:per|a) share,? (?:all-)?cash\b|"
        r"\b(?:definitive )?(?:merger|business combination) agreement\b|\b(?:to|will) merge with\b|"
        r"\bmerger of equals\b|\ball-stock merger\b",
    ),
    # medicine, good
    (
        Catalyst.FDA,
        "approval",
        r"\bfda\b.{0,30}\b(?:approv(?:es|ed|al)|clear(?:s|ed|ance)|authoriz(?:es|ed|ation)|grants?|granted|accepts?|"
        r"accepted)\b|\b(?:approval|clearance|authorization|nod|green light|designation|510\(k\))\b.{0,30}"
        r"\bfda\b|\bwins? (?:fda|ema|eu|european) (?:approval|nod)\b|\b510\(k\)",
    ),
    (
        Catalyst.FDA,
        "designation",
        r"\b(?:fast track|breakthrough therapy|breakthrough device|orphan drug|rmat|priority review|"
        r"rare pediatric|accelerated approval)\b|\bpdufa\b|\bclinical hold\b.{0,20}\b(?:lift|remov)\w*|"
        r"\b(?:lift|remov|releas|resolv)\w* (?:\S+ ){0,4}?clinical hold\b|"
        r"\bema\b.{0,20}\bapprov\w*|\bchmp\b.{0,30}\bpositive opinion\b",
    ),
    (
        Catalyst.CLINICAL_SUCCESS,
        "met endpoint",
        r"\b(?:met|meets?|achiev(?:es|ed)|hits?|reach(?:es|ed))\b.{0,50}\bendpoints?\b|"
        r"\b(?:positive|promising|encouraging|successful|favorable|statistically significant|strong|impressive) "
        r"(?:\S+ ){0,5}?(?:data|results?|readout|top-?line|findings|trial|study)\b"
        r"(?=.*\b(?:phase|trial|study|patients?|clinical|top-?line|therap\w+|dos\w+|treat\w+)\b)|"
        r"\bstatistically significant\b",
    ),
    # numbers
    (
        Catalyst.EARNINGS,
        "guidance",
        r"\b(?:rais|lift|boost|cut|lower|reaffirm|reiterat|withdraw|narrow|updat|hik|slash|trim|issu|provid)\w*\b.{0,40}"
        r"\b(?:guidance|outlook|forecast)\b|\b(?:guidance|outlook|forecast)\b.{0,20}\b(?:rais|cut|above|below|tops?|misses)"
        r"|\bsees\b.{0,30}\b(?:revenue|eps|sales)\b|\bpreliminary\b.{0,30}\b(?:results|revenue|sales)\b",
    ),
    (
        Catalyst.EARNINGS,
        "results",  # not their mere date: "schedules third quarter results call"
        r"^(?!.*\b(?:schedul\w+|sets? (?:the )?date|to (?:report|announce|release|host|hold|webcast|discuss))\b)"
        r".*?(?:\b(?:q[1-4]|(?:first|second|third|fourth)[- ]quarter|full[- ]year|quarterly|fiscal|fy\d*|h[12])\b"
        r".{0,60}\b(?:results|earnings|eps|revenue|sales|profit|loss|net income)\b|"
        r"\bearnings (?:beat|miss|call|report|top)\w*\b|"
        r"\b(?:beats?|tops?|miss(?:es)?|exceeds?)\b.{0,30}\b(?:estimates?|expectations|consensus|earnings|eps|revenue)\b|"
        r"\b(?:eps|revenue|sales|earnings) (?:of )?" + _MONEY + r".{0,40}\b(?:vs|beats?|misses|estimate|consensus))",
    ),
    # business
    (
        Catalyst.CRYPTO_TREASURY,
        "crypto treasury",
        r"\b(?:bitcoin|btc|ethereum|ether|eth|solana|sol|xrp|dogecoin|crypto(?:currency)?|digital asset)s?\b.{0,40}"
        r"\b(?:treasury|reserves?|holdings|purchas\w+|acqui\w+|buys?)\b|"
        r"\b(?:buys?|purchas\w+|acqui\w+|adds?)\b.{0,30}\b(?:bitcoin|btc|ethereum|ether|solana|xrp)\b",
    ),
    (
        Catalyst.CONTRACT_AWARD,
        "contract",
        r"\b(?:award(?:ed|s)?|wins?|won|secur(?:es|ed)|land(?:s|ed)|receiv(?:es|ed)|clinch(?:es|ed)|sign(?:s|ed)|"
        r"book(?:s|ed))\b.{0,50}\b(?:contracts?|purchase orders?|task orders?|orders?|grant|procurement)\b|"
        r"\b(?:contract|order|grant) (?:award|win|worth|valued)\b|\b" + _MONEY + r" (?:\S+ ){0,3}?(?:contract|order)\b",
    ),
    (
        Catalyst.PARTNERSHIP,
        "partnership",
        r"\b(?:partner(?:s|ed|ing)?(?:hip)? (?:with|to)|(?:strategic|commercial|exclusive|global|new) (?:\S+ ){0,2}?"
        r"(?:partnership|collaboration|alliance)|(?:announc|enter|sign|form|expand|launch)\w*\b.{0,50}"
        r"\b(?:partnership|collaborat\w+|alliance|joint venture|licens(?:e|ing) (?:agreement|deal)|supply agreement|"
        r"distribution agreement|mou|memorandum of understanding)|collaborat\w+ (?:with|agreement)|teams? up with)\b",
    ),
    (
        Catalyst.ANALYST,
        "analyst",
        r"\b(?:upgrad|downgrad)(?:e|es|ed)\b|"
        r"\b(?:initiat|resum|assum|start|reinstat)\w+ (?:\S+ ){0,6}?(?:coverage|at|with)\b"
        r".{0,20}\b(?:buy|sell|hold|neutral|outperform|underperform|overweight|underweight|equal[- ]weight)\b|"
        r"\binitiat\w+ coverage\b|\bprice target\b|\btarget price\b|\b(?:tgt|pt) (?:raised|cut|lowered|\$)|"
        r"\b(?:reiterat|maintain|reaffirm)\w*\b.{0,60}\b(?:buy|sell|hold|neutral|outperform|underperform|overweight|"
        r"underweight|rating)\b",
    ),
)
_COMPILED = tuple((catalyst, rule, re.compile(pattern, re.IGNORECASE)) for catalyst, rule, pattern in _RULES)


def classify(text: str, subject: tuple[str, ...] = (), *, analyst_action: bool = False) -> CatalystMatch:
    """The first rule that matches a cleaned headline.

    subject: how the headline may call the company (ticker, first words of its name); it tells the buyer from the
    bought. Where that stays open the company counts as the target, on which no long is opened.
    analyst_action: the newsroom's own marker, believed where no rule matches.
    """
    for catalyst, rule, pattern in _COMPILED:
        match = pattern.search(text)
        if not match:
            continue
        if rule == "to acquire" and not _named(text[: match.start()], subject):
            return CatalystMatch(Catalyst.MA_TARGET, "acquired by another")
        if rule == "to be acquired" and _buys(text[match.start() :], text[: match.start()], subject):
            return CatalystMatch(Catalyst.MA_ACQUIRER, "acquires another")
        return CatalystMatch(catalyst, rule)
    if analyst_action:
        return CatalystMatch(Catalyst.ANALYST, "marked")
    return CatalystMatch(Catalyst.OTHER, "none")


def _buys(rest: str, before: str, subject: tuple[str, ...]) -> bool:
    buyer = re.search(r"\b(?:by|from)\b(.*)", rest, re.IGNORECASE)
    return buyer is not None and _named(buyer[1], subject) and not _named(before, subject)


def _named(text: str, subject: tuple[str, ...]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) for name in subject if name)


STRENGTH: dict[Catalyst, int] = {
    Catalyst.FDA: 4,
    Catalyst.CLINICAL_SUCCESS: 4,
    Catalyst.CONTRACT_AWARD: 3,
    Catalyst.EARNINGS: 3,
    Catalyst.PARTNERSHIP: 3,
    Catalyst.CRYPTO_TREASURY: 3,
    Catalyst.MA_ACQUIRER: 2,
    Catalyst.ANALYST: 2,
    Catalyst.OTHER: 1,
    Catalyst.LEGAL: 1,
    Catalyst.CLINICAL_FAILURE: 0,
    Catalyst.OFFERING: 0,
    Catalyst.REVERSE_SPLIT: 0,
    Catalyst.DELISTING: 0,
    Catalyst.HALT: 0,
    Catalyst.MA_TARGET: 0,
}
"""Which catalyst keeps a market-data line when lines run out: what may lead to a long goes first."""
