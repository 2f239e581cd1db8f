"""Rules asked last: words that make a headline doubtful where no other rule says what it is.

What a company denies, ends or loses is told in more ways than rules can list. So whatever negates, ends or complains
is taken to point down unless what it negates is harm, a bare verb of motion is taken for a move already made, and
talk of a stock for an opinion. These words decide only where nothing else did, or where what did is easily undone.
"""

import re

from momentum_kit.detection.news.catalysts.phrases import phrases
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.models import Catalyst, Direction

_HARM = re.compile(
    r"\b(?:dilut\w*|equity|offerings?|secondary|atm|at[ -]the[ -]market|shel(?:f|ves)|s-[13]|f-[13]|prospectus|"
    r"registration|warrants?|converti\w*|notes?|loans?|debts?|credit|borrow\w*|share count|(?:new )?shares|stock sale|"
    r"capital|rais(?:e|es|ing)|financing|placement|funding gap|reverse|bankrupt\w*|insolven\w*|liquidity|receiver\w*|"
    r"going concern|doubts?|layoffs?|delist\w*|listing|compliance|covenant\w*|default\w*|safety|adverse|dlts?|"
    r"toxicit\w*|side effects?|deaths?|mortality|tumou?rs?|pain|symptoms?|seizures?|relapses?|infections?|decline|"
    r"clinical hold|lawsuits?|suits?|probes?|investigat\w*|charges|allegations|claims|patents?|infring\w*|tariffs?|"
    r"superiority|efficacy|early for|costs?|emissions?|downtime|waste|losses|breach\w*|fraud|hacks?|leaks?|rumou?rs?|"
    r"negative|poison pill|rights plan|lock-?up|expenses|leverage|outages?|risks?|missiles?|departments?|"
    r"after (?:a )?(?:brief|short|long) (?:delay|pause|wait))\b"
)
_GOODS = re.compile(
    r"\b(?:sales|revenues?|profits?|incomes?|eps|earnings|orders|prices?|costs?|rates?|production|output|demand|users|"
    r"subscribers|bookings|margins?|losses|volumes?|patients?|levels?|survival|risk|shipments|backlog|traffic|"
    r"tumou?rs?|"
    r"response|dividend|stake|target|guidance|outlook|forecast|coverage|rig|missile|satellite|launch\w*|rocket)\b"
)

EASILY_UNDONE = frozenset(
    {Catalyst.OTHER, Catalyst.CONTRACT_AWARD, Catalyst.PARTNERSHIP, Catalyst.CRYPTO_TREASURY, Catalyst.MA_ACQUIRER}
)
"""What such words may turn; results, approvals and trials are told with them as well."""

_HOLDERS = re.compile(
    r"\brepurchas\w*|buy-?backs?|\btender|\b(?:stakes?|insiders?|directors?|ceo|cfo|chairman|founder|13[dfg]|form 4|"
    r"dividends?|"
    r"splits?|eps|earnings|quarter\w*|q[1-4]|[1-4]q|options?|grants?|inducement|awards?|acqui\w*|merg\w*|buyouts?|"
    r"takeovers?|"
    r"bids?|ark|fund (?:buys|sells)|private equity|home equity|pay equity|health equity|equity (?:research|markets?|"
    r"funds?|"
    r"analyst)|search warrants?|arrest warrants?|redeem\w*|retire\w*|expire\w*|lapse\w*|unexercised|job placement|"
    r"product placement|ipo|initial public|(?:products?|services?|cloud|software|menu|its|new|digital) offerings?|"
    r"votes?|thresholds?|requirements?|"
    r"sold out|shipped|delivered|homes?|housing|rental|deliver\w*|ships?|vehicles?|robots?|storage)\b"
)

NEGATED: tuple[Rule, ...] = (
    Rule(
        "negated",
        Catalyst.ADVERSE,
        phrases(
            "(not|never|nor|neither|cannot|can't|won't|isn't|aren't|wasn't|weren't|hasn't|haven't|didn't|doesn't|"
            "don't|wouldn't|couldn't)",
            "(no|without) (a |any |further |new |formal )?(plan*|agreement|deal|contract|order*|talks|offer|bid|buyer|"
            "partner*|clearance|approval|decision|date|timeline|guarantee|certainty|assurance|progress|link|ties|"
            "relationship|involvement|knowledge|intent*|evidence|basis|change|comment|need|longer|more|alternatives)",
            "(denies|denied|denying|refutes|disputes|disputed|rejects|rejected|rebuffs|rebuffed|spurns|refuses|refused|"
            "declines|declined|disavows|retracts|contrary to)",
            "(cancel*|terminat*|withdraws|withdrew|withdrawn|abandon*|scraps|scrapped|shelves|shelved|rescind*|revok*|"
            "discontinu*|suspend*|halts|halted|pauses|paused|postpon*|delay*|defer*|collaps*|lapses|lapsed|expires|"
            "expired|nixes|voids|unwind*|unravel*)",
            "(fails|failed|failing|failure|unable|inability|unlikely|unclear|uncertain*|misses|missed|loses|lost|"
            "losing|"
            "falls short|fell short|short of|setback*|stall*|snag*|hits snag|in limbo|stuck)",
            "(ends|ended|ending) (its |the |talks|pact|deal|agreement|contract|supply|program|role|partnership|"
            "relationship|bid|effort|plan*|work|ties|support|use)",
            "(walks away|walked away|pulls out|pulled out|backs out|backed out|drops out|quits|steps down|resigns|"
            "ousted|fired)",
            "(warns|warned|cautions|blames|struggl*|slump*|weak|weaker|weakness|worse|worst|poor|trouble*|woes|crisis|"
            "disappoint*|downbeat|gloom*|dwindl*|shrink*|squeez*)",
            "(called off|calls off|on hold|on ice|scales back|scaled back|pares back|pared back|cuts back|dials back)",
            "(pushed|slips|slipped|moved) (to|back|out|again)",
            "(too few|not enough|insufficient)",
            "(hit by|hurt by|hit as|hurt as|hurt|weighs on|under fire|under scrutiny|under pressure|at risk|in doubt)",
            "(layoff*|job cuts|lays off|furlough*|shut down|shuts|shutters|idles|closes (its|plant|stores|factory))",
        ),
        Direction.DOWN,
        about=Catalyst.OTHER,
        unless=_HARM,
    ),
)

DOUBTS: tuple[Rule, ...] = (
    Rule(
        "of new shares",
        Catalyst.OFFERING,
        phrases(
            "# (million |m |k |mln )?(\\w+ )?(shares|adss|warrants|units)",
            "(common|ordinary|class a|preferred|new|more|additional|underlying|resale|unregistered|discounted) (shares|"
            "stock|units|adss)",
            "(warrants|warrant|convertible*|converts|debentures|placement|offering|equity|pre-funded|eloc|atm)",
            "(s-1|s-3|f-1|f-3|424b#)(/a)?",
        ),
        Direction.DOWN,
        unless=_HOLDERS,
        denied=Catalyst.OTHER,
        dilution=True,
    ),
    *NEGATED,
    Rule(
        "moved somehow",
        Catalyst.RECAP,
        phrases(
            "(soar*|jumps|jumped|surges|surged|skyrocket*|rockets|rallies|rallied|climbs|climbed|spikes|spiked|rises|"
            "rose|"
            "rising|plung*|tumbl*|sinks|sank|falls|fell|falling|slides|slid|slumps|slumped|crashes|crashed|plummet*|"
            "tanks|tanked|crater*|nosediv*|slips|slipped|dips|dipped|retreats|rebounds|rebounded|bounces|leaps)",
        ),
        about=Catalyst.OTHER,
        unless=_GOODS,
    ),
    Rule(
        "of a stock",
        Catalyst.COMMENTARY,
        phrases("(stock|stocks|ticker)"),
        about=Catalyst.OTHER,
        unless=re.compile(
            r"\bstock (?:split|dividend|repurchase|buy-?back|exchange|purchase|symbol|option|plan|award|listing|units?|"
            r"certificates?|keeping|sale)|\b(?:of|in|new|ticker|common|preferred|class [ab]|rolling|live|feed|gun|"
            r"cash and)"
            r" (?:stock|symbol|ticker)|\bticker (?:symbol|change)|\bstock exchange|dilut\w+"
        ),
    ),
)
