"""Rules for dilution: shares, or what turns into shares, sold by the company, in all the words there are for it."""

import re

from momentum_kit.detection.news.catalysts.phrases import phrases
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.models import Catalyst, Direction

_SHARES = (
    "common stock|common shares|ordinary shares|class a|shares|stock|ads|adss|american depositary|"
    "units|warrants|"
    "securities|equity|depositary shares"
)
_COUNT = (
    "(#( million|m|k)?|up to|additional|new|common|ordinary|class a|restricted|of its|its|{money}( of| in| worth of)?)"
)
_EQUITY = re.compile(r"convertible|exchangeable|\b(?:shares?|stock|equity|warrants?|units|ads|adss)\b")
_DEBT = re.compile(
    r"\b(?:loan|credit (?:facility|agreement|line)|line of credit|revolv\w+|non-? ?dilutive|"
    r"debt (?:financing|facility)|venture debt|"
    r"project financing|mortgage|tax equity|asset-backed|term (?:debt|facility)|vendor financing|"
    r"royalty financing|"
    r"sale-leaseback|receivables|commercial paper|green bonds?|municipal|grant)\b"
)
_NOT_MONEY = re.compile(
    r"\b(?:rais\w+) .{0,40}?\b(?:guidance|forecast|outlook|dividend|target|estimates?|view|stake|"
    r"prices?|wages?|awareness|"
    r"concerns?|doubts?|eps|revenue|sales|profit|distribution|rating|bid|offer)\b|\bchari\w+|"
    r"\btarget\b"
)
_OTHERS_SELL = re.compile(
    r"\b(?:ceo|cfo|cto|coo|chairman|chairwoman|director|insiders?|officer|president|founder|executive|"
    r"vp|stake|ark|buffett|"
    r"berkshire|hedge fund|fund sells|10% owner|form 4|congress\w*|senator|pelosi)\b"
)
_GOODS = re.compile(
    r"\b(?:products?|services?|cloud|course|software|menu|platform|digital|training|solutions?|"
    r"security|insurance|"
    r"content|streaming|healthcare|loan|rewards|its) offerings?\b|\btender offer|\bexchange offer"
    r"|\boffering (?:of (?:\w+ )?(?:products|services|cloud|solutions)|customers)"
)
_IPO = re.compile(r"\b(?:initial public|ipo)\b")


def _sold(
    name: str, *texts: str, unless: re.Pattern[str] | None = None, catalyst: Catalyst = Catalyst.OFFERING
) -> Rule:
    return Rule(name, catalyst, phrases(*texts), Direction.DOWN, unless=unless, denied=Catalyst.OTHER, dilution=True)


DILUTION: tuple[Rule, ...] = (
    _sold("registered direct", "registered direct", "direct (offering|placement)"),
    _sold(
        "private placement",
        "private (placement|placements)",
        "pipe (financing|investment|deal|transaction|offering|round)",
        "{money} … pipe",
        "in pipe",
        "pipe (of|for|with|priced|raising|at) … {money}",
        "(oversubscribed|upsized|concurrent|committed|equity) pipe",
        "private investment in public equity",
        "(securities|stock|share|unit|equity) purchase (agreement*|pact|deal|contract) (with|for|to) … (investor*|"
        "holder*|sell|"
        "stockholder*|shareholder*|fund*|institution*|treasury|{money})",
        "securities purchase agreement*",
        "(share|stock|unit) subscription",
        "subscription agreement*",
        "(brokered|non-brokered) (placement|financing|private|offering)",
        "tranche of … (placement|financing|offering)",
        "pipe (raises|backing|investors)",
        "{money} pipe",
        catalyst=Catalyst.PIPE,
        unless=re.compile(r"registered direct|\bnotes offering"),
    ),
    Rule(
        "initial offering",
        Catalyst.OFFERING,
        phrases(
            "initial public offering",
            "ipo (priced|prices|pricing|of|at|raises)",
            "(prices|files for|launches|sets terms for|priced|upsizes|upsized|closes|announces) … ipo",
        ),
        Direction.NONE,
        denied=Catalyst.OTHER,
    ),
    _sold(
        "stock deal",
        "(stock|share|shares|equity|unit|units|warrant|warrants|convert|converts|convertible*|securities|ads|"
        "preferred|pipe) "
        "(purchase |for cash |sale |private |offering )?(deal|accord|pact|transaction|backstop|commitment)",
        "(taps|tapped|tapping|turns to|returns to) (the )?(equity|capital|stock|convertible) (market|markets)",
        "(proposed|planned|upsized|new|{money}) (# )?(convert|convertible)",
        "(sells|sold|selling) (stock|shares|equity|adss|preferred|convertible*)",
        "(issues|issued|issuing) (shares|stock|units|equity|adss)",
        "(noteholder*|debenture holder*|bondholder*|lender*|creditor*|holder*|holders elect to) … "
        "(converts|converted|to convert|convert)",
        "(underwriters|bankers|banks) … (option|extra|additional|more shares|exercise*)",
        "(replac*|new|fresh|renew*|file*) … shelf",
        "(s-1|s-3|f-1|f-3)(/a)? (cover*|relat*|for|regist*)",
        "(swap*|exchang*) (of )?(preferred|warrants|notes|debt|debentures) (for|into) (common|shares|stock|equity)",
        "(doubl*|tripl*|increas*|rais*|boost*|expand*) (its |the )?(share count|authorized|atm)",
        "(stock|share|private stock|discounted) (offering|sale|placement) … (discount|insiders|fund|funds)",
        "(private|direct|discounted) (stock|share|unit|equity) (sale|deal|offering)",
        "rights to (buy|purchase|subscribe)",
        "(capital|equity) (backstop|call|infusion)",
        "(sales|distribution|stock) (pact|deal|agreement) … (to add|adds|increas*|rais*) {money}",
        "(shares|stock|adss) sold … (net|raised|proceeds|program|agreement)",
        "sold # (million |m |k |mln )?(shares|adss) … (net|under|through|via|program|proceeds)",
        "(sets|announces|discloses) terms of … (sale|offering|stock|ads|adss|shares)",
        unless=re.compile(
            f"{_OTHERS_SELL.pattern}|{_IPO.pattern}|{_GOODS.pattern}|repurchas|buy-?back|acqui|merger|takeover|buyout|"
            r"all[ -]stock|reverse split|dividend|\bbuys\b|\bto buy (?!stock|shares)|poison pill|rights (?:plan|"
            r"agreement)|"
            r"\boption (?:plan|grants?)|\bin stock\b|\bequity deals? (?:desk|team)|\bcovert"
        ),
    ),
    Rule(
        "paid in shares",
        Catalyst.OFFERING,
        phrases(
            "(note*|debt*|loan*|advance*|interest|payable*|obligation*|liabilit*|creditor*|lender*|vendor*|fees|"
            "salar*|debenture*|bond|bonds|arrears) … (repa*|paid|pay|pays|payable|settl*|satisf*|discharg*|exchang*|"
            "convert*|swap*|extinguish*) … (in|with|for|into|using) … (shares|stock|equity|adss|units)",
            "(repa*|pay|pays|paying|paid|settl*|satisf*|discharg*|swap*|exchang*) … (note*|debt*|loan*|interest|"
            "payable*|"
            "obligation*|liabilit*|creditor*|lender*|vendor*|fees|salar*|debenture*) … (in|with|for|into|using) "
            "(class # |class a |new |common |company |ordinary |its |own |# )?(shares|stock|equity|adss|units)",
            "(share|stock) settled",
            "(conversion|convert*) (in|into|to) (class # |class a |common |ordinary |company )?(shares|stock|adss)",
        ),
        Direction.DOWN,
        unless=re.compile(
            r"\b(?:not|never|no|dividends?|buy-?back|repurchas\w+|in (?:all-)?cash|acquisition|tax)\b|n't\b"
        ),
        dilution=True,
    ),
    Rule(
        "holders sell",
        Catalyst.OFFERING,
        phrases(
            "(offering|secondary|sale|shares|stock) … (by|from) … (selling|certain|existing) (stockholder*|"
            "shareholder*|holder*|securityholder*|unitholder*|investor*)",
            "(founder|sponsor|holder|holders|backer|investor|private equity|stockholder|stockholders|"
            "shareholder|shareholders|parent) "
            "(to|will|plans to) (sell|offer)",
            "existing shares",
            "company (is |will )?not (selling|receive|offering)",
        ),
        Direction.DOWN,
        unless=re.compile(r"\b(?:resale|regist\w+|s-[13]|f-[13]|prospectus|warrants?|primary|exercis\w+)\b"),
        denied=Catalyst.OTHER,
    ),
    Rule(
        "debt",
        Catalyst.OFFERING,
        phrases(
            "(pric*|offer*|issu*|sell*|sale|launch*|upsiz*|placement) … (senior|secured|unsecured|"
            "subordinated|investment grade|high yield|baby|corporate) … "
            "(notes|note|bond|bonds|debentures)",
            "(notes|note|debt|bond|bonds|debentures) (offering|sale|issue|issuance)",
            "(pric*|issu*|sell*) … (bonds|notes due)",
        ),
        Direction.NONE,
        unless=_EQUITY,
        denied=Catalyst.OTHER,
    ),
    _sold(
        "at the market",
        "at the market",
        "(open|open-) market (sale|sales) (agreement|program|offering|facility)",
        "atm (offering|program|programme|facility|sales|agreement|equity|capacity|stock|prospectus|issuance|usage)",
        "(taps|tapped|draws on|drew on|increas*|upsiz*|expand*|establish*|file*|launch*|enter*|start*|"
        "announce*|new|renew*|uses|used|"
        "{money}|under|via|through) … atm",
        "(equity distribution|equity sales|equity offering sales) agreement",
        "controlled equity",
        "(amend*|adds|lift*|boost*|rais*|replenish*|renew*|reload*) … atm",
        "(at-market|at the market) (deal|program|sale|sales|offering|agreement|facility)",
        "(prior|existing|current|previous|its|new) atm",
        "atm … (adds|increas*|upsiz*|expand*|doubl*|shares sold|sold|raised|proceeds)",
        "(sales agreement|sales agent) … (shares|stock|{money})",
    ),
    _sold(
        "equity line",
        "equity (line|lines)",
        "eloc",
        "committed equity",
        "sepa",
        "standby equity",
        "equity (purchase|facility|reserve) (agreement|facility)",
        "equity facility",
        "forward purchase agreement",
        "share subscription facility",
        "(commitment|committed|facility) (from|with|by) (gem|yorkville|lincoln park|ya ii|gem global)",
        "(prepaid|pre-paid) (advance|equity)",
        "committed (stock|share|equity)",
        "(puts|put|sells|sold|draws|drew) … (to|from|under|with) (lincoln park|yorkville|aspire|white lion|keystone|"
        "arena)",
        "(put notice|drawdown notice|advance notice|purchase notice)",
        "purchase agreement with (lincoln park|aspire|ya ii|yorkville|b. riley|tumim|white lion|keystone|"
        "arena|alumni|gem|streeterville|"
        "3i|ionic|hudson bay|armistice|triton|helena|mast hill)",
        "(lincoln park|yorkville) … (purchase|agreement|facility|{money})",
    ),
    _sold(
        "shelf",
        "(mixed|universal|securities|equity|stock|share|automatic) (securities )?shelf",
        "shelf (registration|offering|filing|prospectus|statement|of|for)",
        "(files|filed|filing|{money}) … shelf",
        "form (s-1|s-3|f-1|f-3|s-11|f-10)",
        "(files|filed|filing|files an|amends|amended|effective|withdraw*|registration) … (s-1|s-3|f-1|"
        "f-3|s-11|f-10)(/a)?",
        "(s-1|s-3|f-1|f-3|f-10)(/a)? (registration|filing|filed|shelf|effective|declared|statement)",
        "424b#",
        "files to (sell|offer) … (common|stock|shares|securities|units)",
        "prospectus",
        "registration statement",
        "(resale|secondary) registration",
        "(files|filed|registers|register|registered|registering|registration) … "
        "(resale|selling (stockholders|shareholders|holders|securityholders))",
        f"(registers|to register|registering) … ({_SHARES})",
        f"(files|filed|filing|files for) (for |to )(offer|sell|issue|register) … ({_SHARES})",
        "(files|filed) for … offering",
        "(files|filed) for (up to )?# (million |m |k )?… (shares|stock|units|adss|warrants)",
        "(registers|registering|to register) up to {money}",
        "(sell|sold|sale|sales|offer|offered|issue|issued) from time to time",
        "(shares|stock|units|adss) to be (issued|sold|registered|offered|resold)",
        "(files|filed) (for )?(up to )?{money} … (offering|securities|stock|shares|shelf)",
        unless=re.compile(r"\b(?:s-4|s-8|f-4|form 10)\b"),
    ),
    _sold(
        "convertible",
        "(convertible|exchangeable) (senior |subordinated |secured |unsecured |promissory |perpetual |"
        "redeemable |debt |original issue discount |notes )?(secured |unsecured |redeemable )?(note|"
        "notes|debenture|debentures|bond|"
        "bonds|preferred|preference|loan|loans|security|securities|debt|instrument|instruments|"
        "promissory|offering|financing)",
        "(sell*|sale of|issu*|purchase of|private|offer*|financing|investment in|"
        "{money}) … (preferred (stock|shares|equity|units)|series # preferred)",
        "preferred (stock|shares|equity) (offering|financing|investment|purchase|sale|issuance)",
        "(convert*|conversion of|exchange*|swap*) … (notes|debt|preferred|loan|loans|liabilities) (in|"
        "into|for|to) … (shares|equity|stock)",
        "debt (for|to) equity",
        "(note|notes|loan|debenture|debentures) … convertible (in|into|to)",
        "(convertible|equity-linked) (credit|revolving|bridge|term|line|facility)",
        "(newly issued|new|series #) … (preferred|convertible)",
        "convertible into … (shares|stock)",
        "(pre-funded|prefunded) warrants",
        unless=re.compile(r"\bdividends?\b|\bconvertible (?:top|laptop|car|crib)"),
    ),
    _sold(
        "warrants",
        "(exercis*|induc*|repric*|issu*|amend*|exchange of|call*|redemption of|redeem*) … (warrants|warrant)",
        "(warrants|warrant) … (exercis*|inducement|repric*|exchange|proceeds|redemption|amendment|called)",
        "(accompanying|existing|investor|placement agent) warrants",
        "(with|and) warrants",
        "exercise of (existing |outstanding |public |certain |all )?(warrants|options)",
        unless=re.compile(r"\b(?:arrest|search|death) warrants?|warrant officer|stock option"),
    ),
    _sold(
        "offering",
        "(public|secondary|follow-on|underwritten|equity|stock|share|shares|unit|units|ads|adss|rights|"
        "bought deal|best efforts|private|warrant|overnight|marketed|upsized|proposed|primary|"
        "preferred|securities|depositary|concurrent|capital|reg a|regulation a|regulation a+|million|m|"
        "bn|registered|notes|note|{money}) (offering|offerings)",
        "pric* … offering",
        "offering (priced|price|prices) ",
        f"offering of … ({_SHARES}|{{money}})",
        "(launch*|commenc*|complet*|clos*|upsiz*|withdraw*|cancel*|postpon*|terminat*|announc*|propos*|"
        "start*|open*) "
        "(of |its |the |a |an |previously announced |proposed |\\$# )?offering",
        "(announces|launches|commences|plans|proposes) (a |an )?(common |follow |public )?(stock |"
        "on )?(\\w+ )?offering",
        unless=re.compile(f"{_GOODS.pattern}|{_IPO.pattern}"),
    ),
    _sold(
        "share sale",
        f"(to|will|may|can|could|plans to|intends to|proposes to|agrees to|agreement to|files to) (sell|"
        f"offer|issue|place) (up to |# |{{money}} )… ({_SHARES})",
        f"(to|will|may|proposes to|intends to) (offer|issue) … ({_SHARES})",
        f"(sells|selling|sold|issues|issuing|issued|issuance of|issue of|offers|places) {_COUNT} … (shares|"
        f"stock|adss|units|securities)",
        "(common stock|share|stock|shares|equity|unit|units) (sale|issuance|issue|sales|secondary|spot)",
        "(sells|selling|sold|to sell|issues|places|placing) … (preferred|convertible|stock|shares|units|adss) "
        "(convertible )?"
        "(at|for) {money}",
        f"(sells|sold|selling|issues) # … ({_SHARES}) (to|at|in)",
        "units (at|priced at) {money}",
        "(in|via|through|by) (a )?placing",
        "sale of … (common stock|ordinary shares|common shares|{money} … (shares|stock)|new shares|adss|"
        "equity securities)",
        "# (million |m )?(share|shares|unit|units|ads) (secondary|spot|offering|block)",
        "spot secondary",
        "secondary (priced|pricing)",
        "(prices|priced|pricing of) … (shares|units|adss|common stock|stock|secondary) (at|of|for)",
        "(over allotment|overallotment|greenshoe)",
        "underwriters … option",
        "(sell|sells|selling|sold|issue|issues|issuing|buy|purchase|invest) (up to |about |another |"
        "an additional |roughly )?({money}|#) (million |m )?(worth )?(of |in )?(its |new |common |"
        "ordinary |additional |company )?(stock|shares|equity|ads|adss)",
        "approve … issuance … (shares|stock)",
        "block trade … primary",
        "# (converts|convertibles)",
        "{money} (of )?(converts|convertibles)",
        "underwriter … option",
        "new shares",
        "(increase|increases|increasing|raise|raises) … authorized (shares|capital|stock|common)",
        "(rights|share|stock) issue",
        "subscription (rights|price)",
        "treasury shares",
        unless=re.compile(
            f"{_OTHERS_SELL.pattern}|{_IPO.pattern}|{_GOODS.pattern}|repurchas|buy-?back|acquire|acquisition|"
            f"stock split|dividend|issued patent|stock option"
        ),
    ),
    _sold(
        "financing",
        "(equity|capital|unit|share|stock|growth|bought deal|flow through|life|brokered|crossover|bridge|"
        "convertible|dilutive|pre-ipo|private) (financing|financings|placement|funding|fundraising|"
        "fund raise)",
        "bought deal",
        "(shares|stock|equity) for (debt|services|notes)",
        "subscription (receipt|receipts)",
        "(funding|capital|financing|money) from … (investor*|fund|funds|holders|shareholders|insiders|family office*)",
        "(upsizes|upsized) (deal|raise|placement|round|transaction)",
        "(deal|raise|placement|round|transaction) upsized",
        "flow through",
        "(equity|strategic|capital) (investment|raise|commitment) (from|by|of|led|at)",
        "equity investment",
        "{money} (strategic |equity )+(investment|raise)",
        "(new|fresh|additional) equity",
        "(closes|closed|completes|announces|raises|secures) … series # ",
        "series (a|b|c|d|e) (round|financing|funding)",
        "(closes|completes|announces|raises|secures) … series (a|b|c|d|e)",
        "(share|top up|placing|new share|unit|units) placement",
        "placement of … (shares|units)",
        "(life|reg a|regulation a|regulation cf) (offering|financing|exemption)",
        "reg a+",
        "regulation a+",
        "(equity|share|stock|unit) raise",
        "(pric*|launch*|announc*|plan*|upsiz*|complet*|clos*|{money}) … follow on",
        "(prices|priced|launches|announces|plans|upsizes|upsized|completes|closes|{money}) … follow-on",
        "capital (raise|raises|raising|increase|injection|infusion)",
        "(launch*|complet*|clos*|conduct*|pric*|upsiz*|undertak*) … (tranche|institutional|share|stock|equity|{money}|"
        "discounted|upsized|retail|unit) … placement",
        "tranche placement",
        "(share|security) purchase plan",
        "(raise|raises|raised|raising) (an additional |additional |up to |about |over |nearly |"
        "more than |approximately |gross proceeds of |a total of )?{money}",
        "(raise|raises|raising|raised) (additional |new |more |fresh |equity |growth )?(capital|equity|"
        "funds|funding|money|cash)",
        "gross proceeds",
        "{money} … financing",
        "{money} (financing|fund raise|fundraise|placement|funding round|investment round|raise|offering)",
        "(closes|completes|announces|prices|upsizes|secures|arranges) (oversubscribed |first tranche of |"
        "final tranche of |second tranche of |upsized )?(a )?({money} |of |# million )?(equity |unit |"
        "series # |strategic |life )?financing",
        "(fundraise|fundraising|fund raise)",
        "dilutive",
        unless=re.compile(
            f"{_DEBT.pattern}|{_NOT_MONEY.pattern}|{_IPO.pattern}|for (?:tornado|hurricane|children|cancer)|"
            r"\bemployee (?:share|stock)|\b(?:product|job|ad) placement"
        ),
    ),
)

_CRYPTO = re.compile(
    r"\b(?:bitcoin|btc|ethereum|ether|eth|solana|sol|xrp|dogecoin|doge|bnb|sui|crypto\w*|"
    r"digital assets?|tokens?|hype|avax|"
    r"litecoin|tron|cardano|hyperliquid|ethena|worldcoin|toncoin)\b"
)
_HELD = re.compile(
    r"\b(?:treasur\w+|reserves?|buy\w*|purchas\w+|acqui\w+|accumulat\w+|fund|hold\w*|strategy|launch|"
    r"start)\b"
)


def pays_for_treasury(text: str) -> bool:
    """True where coins are to be bought, so that the dilution found beside them pays for a treasury."""
    coins = _CRYPTO.search(text)
    return coins is not None and _HELD.search(text) is not None and " miner" not in text
