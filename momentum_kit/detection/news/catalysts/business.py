"""Rules for numbers, orders, partners, coins and analysts: what lifts a price, or not, by what it says."""

import re

from momentum_kit.detection.news.catalysts.phrases import phrases
from momentum_kit.detection.news.catalysts.rule import Rule, lifts
from momentum_kit.models import Catalyst, Direction

_RATED = (
    "buy|sell|hold|neutral|outperform|underperform|overweight|underweight|equal weight|equal-weight|"
    "market perform|perform|"
    "sector perform|peer perform|in line|in-line|accumulate|reduce|strong buy|speculative buy|"
    "positive|negative|market outperform|sector outperform|sector weight|conviction"
)
_PERIOD = (
    "q1|q2|q3|q4|1q|2q|3q|4q|first quarter|second quarter|third quarter|fourth quarter|full year|fy|"
    "quarter|quarterly|fiscal|annual|half year|h1|h2|first half|second half|"
    "six month|nine month|year end|fy24|fy25|fy26|fy2024|fy2025|fy2026|monthly|1h|2h"
)
_METRIC = (
    "results|earnings|eps|revenue|revenues|revs|rev|sales|profit|profits|loss|losses|income|ebitda|"
    "net|turnover|shr|adj|ffo|comps|bookings"
)
NUMBERS: tuple[Rule, ...] = (
    Rule(
        "guidance",
        Catalyst.GUIDANCE,
        phrases(
            "(rais*|lift*|boost*|cut|cuts|cutting|lower*|reaffirm*|reiterat*|withdraw*|narrow*|updat*|hik*|"
            "slash*|trim*|issu*|provid*|affirm*|back*|maintain*|confirm*|suspend*|pull*|rescind*|increas*|"
            "reduc*|rev|revises|set|sets|gives|initiates|introduces|keeps|ups|widen*|tighten*|offers|upbeat|"
            "weak|strong|downbeat|soft|see|higher|lower|better|softer|weaker|stronger|brighter|"
            "sees|announces|above|below) … (guidance|outlook|forecast|forecasts|financial targets|view|"
            "financial target|sales target|projection*)",
            "(guidance|outlook|forecast|view) … (rais*|cut|cuts|above|below|tops|misses|lowered|increased|"
            "reaffirmed|withdrawn|narrowed|of {money}|{money}|rev|eps|in-line|disappoint*)",
            "(sees|see|expects|anticipates|projects|guides|forecasts) … "
            f"(revenue*|revs|eps|sales|earnings|profit|loss|ebitda|{_PERIOD})",
            f"(preliminary|prelim|preannounc*|pre-announc*) … ({_METRIC}|{_PERIOD}|strong|weak)",
            "(preannounce*|pre-announce*)",
            "profit warning",
            "guidance",
            "guides",
            "outlook",
            "(expected|expects|seen) … (above|below) (consensus|estimates|prior|expectations)",
            "(expects|anticipates|sees) … (quarter|full year|fy|2025|2026|2027) … (sales|revenue|earnings|profit|loss)",
        ),
        unless=re.compile(
            r"\b(?:price (?:target|forecast)|market (?:outlook|forecast)|economic outlook|rating outlook|"
            r"reviews?|street view|aerial view)\b"
        ),
    ),
    Rule(
        "results",
        Catalyst.EARNINGS,
        phrases(
            f"({_PERIOD}) … ({_METRIC})",
            f"({_METRIC}) (for |in |of |from )?(the |its |fiscal |three |twelve )?({_PERIOD})",
            "earnings (beat|beats|miss|misses|call|report|top|tops|above|below|surprise)",
            "(beat|beats|top|tops|topped|miss|misses|exceed|exceeds|exceeded|surpass*|missed|trail*|match*|"
            "in line with|above|below|better than|short of|ahead of) … (estimate|estimates|expectations|"
            "consensus|earnings|eps|revenue|forecasts|street|views)",
            "(eps|revenue|sales|earnings|revs) (of )?{money} … (vs|beat|beats|miss|misses|estimate|consensus|est)",
            "(beats|misses|reports) (by|eps|revs|in-line|in line)",
            "(record|reports|posts|swings to|net|narrows|wider|narrower|surprise) … (revenue|revenues|"
            "earnings|sales|profit|net income|ebitda|eps|loss)",
            "(revenue|sales|profit|income|earnings|loss) … (rise|rises|rose|grow|grows|grew|up|jump|jumps|"
            "fall|falls|fell|"
            "drop|drops|down|doubles|doubled|triples|surge|surges|climb|climbs|narrows|widens|increase|"
            "increases|increased|decline|declines|declined|swing*|slip|slips)",
            "(financial|operating|operational|earnings) (results|report)",
            "(eps|adjusted eps|gaap eps|loss/shr|eps/shr) … (consensus|est|vs|#)",
            "same store sales",
            "(deliveries|comparable sales|comps) … (#|rise|fall|rose|fell|up|down)",
        ),
        unless=re.compile(
            r"\b(?:schedul\w+|sets? (?:the )?date|to (?:report|announce|release|host|hold|webcast|discuss|"
            r"issue|publish|present)|will (?:report|announce|release|host|hold|webcast|discuss|publish)|"
            r"date for|conference call (?:on|to|for)|timing of|(?:earnings|results) (?:date|webcast)|"
            r"announces (?:date|timing|details)|participate)\b|\bdividends?\b(?!.{0,60}\b(?:results|eps|"
            r"earnings)\b)"
        ),
    ),
)

BUSINESS: tuple[Rule, ...] = (
    lifts(
        "crypto treasury",
        Catalyst.CRYPTO_TREASURY,
        "(bitcoin|btc|ethereum|ether|eth|solana|sol|xrp|dogecoin|doge|crypto|cryptocurrency|"
        "digital asset|digital assets|sui|bnb|hype|token|tokens|litecoin|avax|tron|ton) … (treasury|"
        "reserve|reserves|holdings|purchas*|acqui*|buys|buy|balance sheet|accumul*|strategy|stake|"
        "staking|portfolio)",
        "(buy|buys|purchas*|acqui*|add|adds|added|hold|holds|holding|accumul*|increas*|owns|bought|"
        "allocat*|invest*) … (bitcoin|btc|ethereum|ether|eth|solana|xrp|doge|dogecoin|bnb|sui|"
        "crypto|cryptocurrency|tokens|litecoin|avax)",
        "(treasury|reserve) (strategy|asset|company|policy) … (bitcoin|btc|ethereum|eth|solana|xrp|crypto|digital)",
        "digital asset treasury",
        "(treasury|reserve) … (bitcoin|btc|ethereum|eth|solana|xrp|crypto)",
        unless=r"\bminer\b|\bmined\b|\bmining\b|etfs?\b|price target",
    ),
    lifts(
        "contract",
        Catalyst.CONTRACT_AWARD,
        "(award|awarded|awards|win|wins|won|secur*|land|lands|landed|receiv*|clinch*|sign|signs|signed|"
        "book|books|booked|get|gets|nab|nabs|bag|bags|announces|snag*|scoop*|obtains|gains|closes|inks|"
        "lands) … (contract|contracts|purchase order|purchase orders|task order|task orders|order|orders|"
        "grant|grants|procurement|subcontract|idiq|tender|supply deal|deal to supply|delivery order|"
        "framework|funding award|government funding|position on|modification)",
        "(win|wins|won|secures|lands) … (bid|rfp|project|mandate)",
        "(contract|order|orders|grant|subcontract) (award|awarded|win|wins|worth|valued|extension|"
        "modification|from|with|for)",
        "{money} … (contract|contracts|order|orders|grant|award|subcontract)",
        "named … contractor",
        "(supply|offtake|off-take|supplier|procurement|frame|framework) (agreement|agreements|deal|"
        "contract|pact|order)",
        "(selected|chosen|picked|tapped|named|hired) (by|as|for|to) … (contract*|supply|supplier|program|"
        "project|provide|"
        "build|develop|deliver|vendor|provider|navy|army|air force|nasa|darpa|department|dod|government|"
        "agency|partner|deploy|support|prime|ministry|pilot|utility|customer)",
        "(darpa|nasa|army|navy|air force|pentagon|department of defense|dod|dhs|space force|barda|nih|"
        "doe|department of energy) … (selects|awards|taps|picks|chooses|award|contract|order|orders|"
        "funding)",
        "(largest|biggest|record|major|multi-year|initial|follow-on|first|new|repeat|firm|large) "
        "(commercial )?(purchase )?(order|orders|contract)",
        "(selects|chooses|picks|taps) … (for|to|as) … (program|project|supply|platform|contract|system|build)",
        unless=r"\b(?:executive order|court order|in order to|order to|restraining order|contract research|"
        r"smart contracts?|employment|money order|pre-?order|short-?seller|contract negotiations|patents?|"
        r"designation|best workplace|award-winning|stock (?:award|grant)|inducement grants?|"
        r"orders? (?:recall|to pay)|grants? (?:of )?(?:equity|inducement|options|rsu)|"
        r"nasdaq listing rule)\b",
    ),
    lifts(
        "partnership",
        Catalyst.PARTNERSHIP,
        "(partner|partners|partnered|partnering|partnership) … (with|to|on|for)",
        "(strategic|commercial|exclusive|global|new|long-term|multi-year|research|development|marketing|"
        "distribution|technology|key|expanded|joint) … (partnership|collaboration|alliance|agreement|"
        "cooperation)",
        "(announc*|enter*|sign*|form*|expand*|launch*|establish*|ink|inks|inked|reach*|extend*|strike*|"
        "struck|unveil*|execut*|creat*|seal*|renew*|complet*|secur*) … (partnership|partnerships|"
        "collaborat*|alliance|joint venture|licens* "
        "(agreement|deal|pact)|license|distribution (agreement|deal)|"
        "reseller agreement|mou|memorandum of understanding|letter of intent|loi|agreement|pact|"
        "cooperation|deal with|jv|mandate)",
        "collaborat* (with|agreement|to|on)",
        "(team|teams|teamed|teaming) up",
        "(join|joins|joining) (forces|hands)",
        "(to|will) (integrate|co-develop|jointly|collaborate|license|deploy) … "
        "(with|technology|chips|platform|into|for)",
        "(integrat*) … (with|into) … (platform|nvidia|google|microsoft|amazon|openai|apple|meta|software)",
        "joint venture",
        "memorandum of understanding",
        "(licens*) … (to|from|agreement|rights|deal)",
        "(works|working|work) with … (to|on)",
        "(selected|chosen) as … partner",
        "(nvidia|microsoft|google|amazon|openai|apple) … (partner*|collaborat*|invest*|agreement|inception)",
        "invest* … (stake|strategic investment)",
        "strategic investment",
        "(distribution|purchase|commercial|services|development|master|evaluation|framework|cooperation) agreement",
        "co-develop*",
        "(development|licensing|research|commercial|distribution|strategic) (pact|deal)",
        "pact with",
        unless=r"\b(?:partners? (?:llp|lp)|licensed (?:attorney|professional)|managing partner|credit agreement|"
        r"loan agreement|employment agreement|(?:settlement|forbearance|voting|standstill|"
        r"cooperation) agreement with (?:activist|holders|starboard|elliott)|merger agreement|"
        r"collective bargaining|steelworkers|union|uaw|teamsters|stock purchase agreement|"
        r"share purchase agreement)\b",
    ),
)

ANALYSTS: tuple[Rule, ...] = (
    Rule(
        "analyst",
        Catalyst.ANALYST,
        phrases(
            "(upgrad*|downgrad*)",
            f"(initiat*|resum*|assum*|start|starts|started|reinstat*|begins|launches|picks up|transfers|"
            f"opens) … ({_RATED})",
            "(initiat*|resum*|assum*|reinstat*|begins|launches|starts|drops|suspends|terminates) (analyst )?coverage",
            "coverage (initiated|resumed|assumed|started|on|of|with|dropped)",
            "(price|stock) (target|targets)",
            "(target|tgt|pt) (price|raised|cut|lowered|to|{money}|boosted|hiked|upped|trimmed|slashed|"
            "increased|reduced|from|at)",
            "(rais*|lift*|lower*|cut|cuts|trim*|boost*|hik*|slash*|adjust*|increas*|reduc*|maintains|keeps|"
            "sets|ups|bumps|drops) … (target|tgt|pt) ",
            f"(reiterat*|maintain*|reaffirm*|affirm*|keeps|remains|rates|rated|rating) … ({_RATED}|rating)",
            "(added|adds|removed|removes) … (conviction|focus|best ideas|top pick*|buy) … (list|pick|at)",
            "(top|best) (pick|idea)",
            "(bullish|bearish|cautious|wary) on",
            "(analyst|analysts) … "
            "(boost*|hik*|trim*|slash*|revis*|forecasts|sees|see|says|say|bullish|bearish|upside|target|cut|"
            "cuts|rais*|optimistic|lift*|lower*|upbeat|"
            "cautious|estimates)",
            f"(at|to|with|from) (a |an )?({_RATED}) (rating|from|at|rated)",
            "(moved|cut|cuts|raised|raises|lowered|lowers|lifted|lifts|boosted|boosts|drops|dropped|slashes|moves) … "
            "to "
            "(neutral|outperform|underperform|overweight|underweight|equal weight|market perform|sector perform|"
            "peer perform|sector weight|in-line|strong buy)",
            "(cut|cuts|lowers|lowered|drops|slashes|moves|raises|lifts|boosts) … to (hold|sell|buy|reduce|add|"
            "accumulate)$",
            "(cut|cuts|lowers|lowered|drops|moves|raises|lifts|boosts) … to (hold|sell|buy|reduce|add|accumulate) "
            "(from|at|on|with|rating)",
            "(cut|cuts|lowers|lowered|drops|moves) … to (hold|sell|reduce)",
            f"(moved|cut|raised|lowered|lifted|boosted|double-upgraded) to ({_RATED})",
            "street high",
            "(buy|sell|hold|outperform|neutral|overweight|underweight) rating",
            "defended at",
            "(mentioned|highlighted) … (at|by) … (analyst|securities|capital)",
        ),
        unless=re.compile(
            r"\b(?:credit rating|moody's|fitch|s&p global ratings|product upgrade|upgrad\w+ (?:its|the|"
            r"facility|to nyse|to otc|platform|software|network|plant|to version|firmware)|(?:core|network|system|"
            r"systems|fleet|"
            r"facility|plant|software|grid|infrastructure|platform|capacity|equipment|fiber|radar|engine|data "
            r"center) upgrades?|(?:sales|revenue|"
            r"production|drug|emission\w*) targets?)\b"
        ),
    ),
)

MILD: tuple[Rule, ...] = (
    Rule(
        "capital returned",
        Catalyst.OTHER,
        phrases(
            "(buyback|buy-back|buys back|to buy back|bought back|buying back|repurchase program|"
            "share repurchase|stock repurchase|repurchase of)",
            "(rais*|increas*|hik*|special|boost*|declares special|initiates) … dividend",
            "(uplist*|uplisting)",
            "(approved|approval) (for|to) list* … (nasdaq|nyse)",
            "(added|added to|joins|join|inclusion) … (russell|s&p|nasdaq 100|index)",
            "(ceo|cfo|director|insider|insiders|chairman) … (buys|bought|purchases|purchased)",
            "# (for|-for-) # … (stock )?split",
        ),
        Direction.UP,
    ),
)
"""What is no catalyst but points somewhere."""
PLANS = phrases(
    "(plans|planning|planned|proposed|proposes|intends|may|might|could|considering|considers|weighs|"
    "mulls|explor*|seeks|"
    "expects|potential|possible|talks|discussions|letter of intent|loi|non-binding|files|filed|shelf|"
    "reportedly|rumor*|"
    "sources)",
    "(to|will|would) (be |also |soon )?(acquire|acquired|buy|purchase|sell|offer|raise|launch|merge|"
    "issue|effect|file|"
    "seek|delist|spin|begin|start|build|form|collaborate|co-develop|integrate|cut|stop|discontinue|"
    "wind|lay|pay|"
    "go private)",
)
