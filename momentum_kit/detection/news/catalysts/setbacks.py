"""Rules for what harms a holder without an offering: listing, survival, clinic, halts, courts, and lesser ills."""

import re

from momentum_kit.detection.news.catalysts.phrases import phrases
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.models import Catalyst, Direction

_TRIAL = (
    "trial|trials|study|studies|program|programs|phase #|phase i|phase ii|phase iii|development|dosing|enrollment|arm"
)

RELIEVED: tuple[Rule, ...] = (
    Rule(
        "compliance regained",
        Catalyst.OTHER,
        phrases(
            "regain* … (compliance|listing)",
            "(back|returns|restored|returned) (in|to|into) compliance",
            "compliance … (regained|restored|cured)",
            "(cures|cured|resolves) … (deficiency|non-compliance)",
            "(now )?in (full )?compliance with … (nasdaq|nyse|listing|bid)",
        ),
        Direction.UP,
        unless=re.compile(
            r"\bto (?:regain|return|restore|cure)|\bsplit|\b(?:not|fail\w*|unable|plan to|must|until|deadline|"
            r"time to|extension|seeks|how to)\b"
        ),
        about=Catalyst.DELISTING,
    ),
    Rule(
        "listing kept",
        Catalyst.OTHER,
        phrases(
            "(granted|grants|wins|approved|approves|approval|allows|permits) … (continued listing|"
            "continue* (its )?listing)",
            "(withdraws|withdrawn|rescinds|reverses|drops) … (delisting|determination)",
            "(back |returns )?in good standing",
            "(nasdaq|nyse) closes (the |its )?(matter|case|file)",
        ),
        Direction.UP,
        unless=re.compile(r"\b(?:denie[sd]|not|fail\w*)\b"),
        about=Catalyst.DELISTING,
    ),
    Rule(
        "trading resumes",
        Catalyst.OTHER,
        phrases("resum* … (trade|trading)", "(trade|trading) … (resum*|reopen*)", "resumption of trading"),
        about=Catalyst.HALT,
        unless=re.compile(r"resum\w+ (?:coverage|with|at)|(?:then|again) halted|halted (?:again|to|on)"),
    ),
    Rule(
        "out of insolvency",
        Catalyst.OTHER,
        phrases(
            "(emerg*|exit*) … (chapter #|bankruptcy|insolvency|receivership)",
            "(shakes off|sheds|puts|leaves|moves past|closes) (its )?(bankruptcy|chapter #|insolvency) (past|behind|"
            "cloud|overhang|chapter|case)",
            "(remov*|lift*|eliminat*|resolv*|alleviat*) … (going concern|substantial doubt)",
            "(court|judge) … (confirms|approves) … (reorganization|plan)",
        ),
        Direction.UP,
        about=Catalyst.GOING_CONCERN,
    ),
)
"""What sounds harmful and is its end; asked before the rules for harm."""

SETBACKS: tuple[Rule, ...] = (
    Rule(
        "reverse split",
        Catalyst.REVERSE_SPLIT,
        phrases(
            "reverse( |/)(stock |share |ads |ratio )?(split|splits)",
            "share consolidation",
            "# (for|to) # … consolidation",
            "consolidation … (# (for|to) #|ratio|takes effect)",
            "(consolidation|split) ratio",
            "(share|stock) (combination|rollback)",
            "(combination|combines|combining|consolidates|consolidating|consolidate) … (shares|stock) (1|one|#)",
            "(consolidates|consolidate|consolidating) … (shares|stock)",
            "split adjusted",
            "post split basis",
            "consolidation of … (shares|stock)",
            "(1|one) (for|to) (#|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|"
            "twenty|twenty-five|thirty|forty|fifty|one hundred) … split",
            "(ads|adss|ads ratio|adr|ratio) … ratio change",
            "ratio change … (ads|adss|adr|depositary)",
            "(ads|adr) … (ratio|ratio change)",
            "reverse … split",
        ),
        Direction.DOWN,
        denied=Catalyst.OTHER,
    ),
    Rule(
        "delisting",
        Catalyst.DELISTING,
        phrases(
            "(delist|delists|delisted|delisting|deregister*)",
            "(nasdaq|nyse|exchange|amex|cboe|listing|tsx) … (deficienc*|deficient|non-compliance|notice|"
            "notification|notifies|notified|determination|warning|letter|non-compliant)",
            "(notice|notification|letter|notified|determination|warning) … (nasdaq|nyse|delist*|continued listing)",
            "(minimum|minimum closing) bid",
            "bid price",
            "continued listing",
            "deficienc* … (nasdaq|nyse|listing)",
            "staff (determination|delisting)",
            "(get|gets|getting|receiv*) … (notice|notices|letter|letters) (on|over|for|about|regarding|tied to|due "
            "to) … "
            "(annual meeting|annual meetings|10-k|10-q|late|filing*|delinquen*|bid|equity|market value|price)",
            "(extension|exception|180 day|180 calendar day|additional time|more time) … (nasdaq|nyse|listing|"
            "compliance)",
            "(nasdaq|nyse|panel) … (extension|exception|more time|additional time)",
            "hearings panel",
            "(trade|trading|quoted|move*|shift*) (on|to) … (otc|pink)",
            "listing (standards|requirement|requirements|rule|rules)",
            "suspen* … from (nasdaq|nyse|trading on)",
            "moved to (otc|pink)",
            "(otc|pink sheets) (trading|after)",
        ),
        Direction.DOWN,
        unless=re.compile(r"notice of (?:allowance|effectiveness)|under nasdaq rules|award notice"),
        denied=Catalyst.OTHER,
    ),
    Rule(
        "out of compliance",
        Catalyst.DELISTING,
        phrases(
            "(fails|failed|failure|failing|falls short) (to|of) (meet|meeting|satisfy|maintain|"
            "comply) … (nasdaq|nyse|listing|exchange)",
            "(not|out of|falls out of|no longer) (in )?compliance",
            "(nasdaq|nyse|panel) … (denies|denied|rejects|rejected) … (appeal|request|plan|extension)",
            "removed from (nasdaq|nyse|the nasdaq|the nyse|listing)",
            "(non-compliance|non-compliant) … (nasdaq|nyse|listing|rule)",
            "(nasdaq|nyse|listing) … (non-compliance|non-compliant)",
        ),
        Direction.DOWN,
    ),
    Rule(
        "survival",
        Catalyst.GOING_CONCERN,
        phrases(
            "going concern",
            "(doubt|doubts) (on|about|over|as to|regarding) (its |the |company's )?(ability|future|survival|viability|"
            "continued existence)",
            "(ability|inability) to continue (operating|operations|in business|as a)?",
            "(forbear|forbears|forbearing)",
            "(lender*|loan|debt|note|notes|bond|bonds|credit) default*",
            "(court|creditor) shelter",
            "continued existence",
            "(balance sheet|capital structure) (options|alternatives|review)",
            "(options|alternatives) for (its |the )?(balance sheet|capital structure|debt)",
            "(exceeds|more than|above) (its )?cash on hand",
            "(has|have) cash (into|until|only)",
            "(unpaid (leave|pause|furlough*)|warn notice)",
            "substantial doubt",
            "chapter (7|11|15)",
            "(bankrupt|bankruptcy|insolven*|receivership|foreclos*|forbearance)",
            "wind* (down|up) … (operations|business|affairs|company)",
            "(wind down|winding down)",
            "ceas* (all )?(operations|business|trading operations)",
            "(liquidat*|dissol*) … (plan|company|proceedings|trust)",
            "plan of (liquidation|dissolution)",
            "(board|shareholders|stockholders|approves) … (liquidation|dissolution)",
            "(notice|event|events) of default",
            "(defaults|defaulted|default) on",
            "in default",
            "default notice",
            "(auditor|auditors) … doubt*",
            "(breach*|violat*|trip*|waive*) … covenant*",
            "covenant (relief|breach|violation|default)",
            "default (letter|notice)",
            "(will|to) liquidate",
            "(liquidates|liquidating)",
            "(misses|missed|skips|skipped) … (bond|coupon|interest|loan|debt) payment",
            "restructuring (adviser|advisers|advisor|advisors|talks|support)",
            "(seek*|consider*|weigh*|mull*|explor*|plan*|face*|propos*|approv*|recommend*|warn*|risk*) … "
            "(dissolution|liquidation|insolvency)",
            "(cash|liquidity) (crunch|crisis|squeeze|shortfall|shortage|concern*|problem*|dwindl*|woes)",
            "cash (is |was )?(running (out|low)|nearly gone)",
            "(talks|negotiations|deal) with … (creditors|lenders|bondholders)",
            "(pay|repay) (its |secured |senior )?lenders",
            "(creditors|lenders) … (seize|call|demand|accelerat*)",
            "run* out of (cash|money)",
            "(near|nears|nearing|faces|facing|avoid*|warn*|risk*) … default",
            "(creditor|court|bankruptcy) protection",
            "(explor*|consider*|weigh*|plan*|mull*|hire*|prepar*) … restructuring",
            "cash (lasts|will last|only|runway) … (into|until|through|to|ends|short)",
            "(skip*|miss*|defer*|fails to make) … (interest|coupon|debt|loan) payment",
            "(shut*|closing) down (all )?operations",
            "voluntary petition*",
            "(insufficient|lack of) (cash|liquidity|funds)",
            "administration proceedings",
            "assignment for the benefit",
        ),
        Direction.DOWN,
        unless=re.compile(r"\bliquidation preference|tutor|bankruptcy (?:software|lawyer)"),
        denied=Catalyst.OTHER,
    ),
    Rule(
        "cannot pay",
        Catalyst.GOING_CONCERN,
        phrases(
            "(may|might|could|will|would) not (survive|last)",
            "(can't|cannot|unable to|struggles to|fails to|failed to) (get|secure|obtain|raise|find|pay|fund|repay|"
            "refinance) … (financing|funding|funds|money|cash|capital|debt|loan*|notes|interest|bills|lenders|rent)",
        ),
        Direction.DOWN,
    ),
    Rule(
        "refused by a regulator",
        Catalyst.CLINICAL_FAILURE,
        phrases(
            "complete response letter",
            "crl",
            "refus* to (file|review|accept)",
            "fda (holds|halts|pauses|stops|blocks|pulls|turns away|turns down|spurns|snubs|balks|knocks back)",
            "(fda|regulator*|ema) (places|places a|puts|imposes|slaps) … hold",
            "not approvable",
            "(fda|application|nda|bla|maa|filing) … deficien*",
            "(fda|pdufa|review|approval decision) … (slips|slipped|pushed|slides)",
            "(fda|ema|chmp|agency|regulator*|advisers|advisory committee|panel|adcom) … (rejects|rejected|"
            "declines|declined|refuses|refused|denies|denied|turns down|turned down|rejection|"
            "votes against|voted against|not approve|against)",
            "(votes|voted|vote) # … against",
            "negative … (opinion|chmp|view|recommendation)",
            "fda … (extends|delays|delayed|delay|postpones|pushes back|postponed|missed|misses) … (review|"
            "decision|pdufa|goal|date|approval|deadline)",
            "(pdufa|fda decision|fda review|approval) … (extended|delayed|postponed|pushed)",
            "(withdraw*|pull*) … (nda|bla|maa|marketing application|drug application|from market)",
            "(approval|clearance|designation|authorization) … (revoked|withdrawn|rescinded|denied|suspended)",
            "(revok*|rescind*|withdraw*) … (approval|clearance|authorization|designation)",
            "(bla|nda|snda|maa|application|submission|drug|therapy) … turned (away|down)",
            "(fda|agency|ema|regulator*) … no longer (agrees|supports|accepts|backs)",
            "(fda|agency|ema|regulator*) … (requests|requires|seeks|wants|asks|asked|recommends|demands|orders|"
            "calls) … "
            "(additional|more|another|new|second|further) (phase # |clinical |confirmatory |pivotal )?(data|trial|"
            "trials|"
            "study|information|studies)",
            "(not|no longer|won't|doesn't|isn't) (to )?(plan to |planning to |intend to )?(seek*|pursu*|fil*|"
            "submit*) … "
            "(approval|nda|bla|submission|filing with)",
            "fda … (warning letter|form 483|safety warning|black box|boxed warning)",
            "warning letter … fda",
            "import alert",
            "(fda|advisory) … (staff|reviewers|briefing) … (concern*|question*|doubt*|raise*|flag*)",
            "(advisers|advisory committee|panel|adcom) … (split|divided|deadlock*)",
            "fda … (flags|safety (concern*|signal|issue*|review|alert))",
        ),
        Direction.DOWN,
        unless=re.compile(r"denies (?:petition|appeal)|\b(?:not|no|never)\b[^,;:]{0,20}\bnegative"),
        about=Catalyst.FDA,
    ),
    Rule(
        "clinical hold",
        Catalyst.CLINICAL_FAILURE,
        phrases(
            "(clinical|partial) hold",
            "(trial|study|ind|program) (placed |put )?on hold",
            "(lift*|remov*|releas*|clear*) (the |its |a )?hold (on|for|from|of)",
        ),
        Direction.DOWN,
        about=Catalyst.FDA,
        denied=Catalyst.FDA,
    ),
    Rule(
        "missed endpoint",
        Catalyst.CLINICAL_FAILURE,
        phrases(
            "(did not|didn't|does not|doesn't|fail to|fails to|failed to|not|failing to) (meet|met|achieve|"
            "achieved|reach|reached|hit|show|demonstrate|beat|separate|improve|slow|"
            "statistically) … (endpoint*|goal*|objective*|significan*|benefit|efficacy|"
            "placebo|superiority|trial|study|improvement|survival|target)",
            "(miss|misses|missed|missing|short of|shy of) (its |on |the |a |key |main |primary |secondary |"
            "statistical |clinical )?(statistical |primary |secondary )?(significance|goal|goals|objective|endpoint*|"
            "bar for significance)",
            "(meets|met|hits|hit|reached|reaches) … (goal|endpoint*|objective)*, (but |though )?(miss|misses|missed|"
            "fails|failed|falls short)",
            "(data|results|efficacy|trial|study|readout) … (below|short of|under) (some |analyst* |street |investor* |"
            "wall street |high |the )?(hopes|hoped|expectations|expected|benchmark|rival*|competitor*)",
            "(miss|misses|missed) … (endpoint*|main goal|primary goal|primary objective|key goal|"
            "goal in … (trial|study))",
            f"({_TRIAL}|drug|pill|shot|therapy|vaccine|treatment|candidate) (flunk*|fail|fails|failed|failure|flops|"
            f"disappoints|misses|missed)",
            "(fail|fails|failed|failure|flops) … (trial|trials|study|studies|phase #|late stage|mid stage)",
            "(no|without|lack of) (significant|statistically|meaningful|clinical) (difference|benefit|"
            "improvement|significant|efficacy|separation)",
            "(did not|didn't|does not|doesn't|failed to|fails to|unable to) (slow|reduce|lower|improve|outperform|"
            "prolong|extend|prevent|delay|curb|ease|halt|separate|work|help) … (decline|progression|disease|symptom*|"
            "patients|placebo|vehicle|score*|survival|risk|pain|depression|population|endpoint*|control|relapse*|"
            "event*|biomarker*|function)",
            "(comes|came) in (under|below|short of) … (goal|target|placebo|bar)",
            "not statistically significant",
            "futil*",
            "(no better|not better|no different|worse|not superior|inferior) (than|from|to) … (placebo|standard|"
            "control|rival|"
            "comparator)",
            "(drug|therapy|vaccine|trial|study|treatment|candidate|asset|pill|shot|test) (falls|fell|comes up|came "
            "up) short",
            "(fall|falls|fell) short … (trial|study|test|phase #|stage)",
            "(no|little) (help|benefit|effect|better|improvement) (to|for|in|on|over|against)",
            "endpoint* (was |were )?(not|missed|unmet)",
            "(patient|patients|participant) (death|deaths|died|dies)",
            "(death|deaths|died) … (trial|study|patient|gene therapy)",
            "serious adverse (event|events|reaction|reactions)",
            "(liver|safety) (injury|toxicity|concerns|signal|issue|issues|scare)",
            "(disappointing|negative|underwhelming|mixed|weak|poor|unfavorable) … (data|results|result|outcome|topline|"
            "readout|trial|study|phase #)",
            "dose limiting toxicit*",
        ),
        Direction.DOWN,
        unless=re.compile(
            r"\bno (?:serious adverse|safety|deaths|dose)|without serious adverse|(?:cut|reduc|lower|halv|few)\w* "
            r"[^,;:]{0,20}deaths?|"
            r"to continue|continue (?:unchanged|as planned)|without modification|pass\w* futility|"
            r"\bno futil\w+|thought futile|\bnot futile|\b(?:eps|revenue|"
            r"earnings|"
            r"quarter\w*|guidance)\b|results of negative"
        ),
    ),
    Rule(
        "trial stopped",
        Catalyst.CLINICAL_FAILURE,
        phrases(
            f"(discontinu*|terminat*|halt|halts|halted|halting|paus*|suspend*|stop|stops|stopped|stopping|end|"
            f"ends|ending|ended|abandon*|drop|drops|dropped|scrap*|shelv*|ax|axes|deprioriti*|"
            f"cease*) … (phase #|phase i|phase ii|phase iii|{_TRIAL}|candidate|pipeline|"
            "lead drug|clinical)",
            "(clinical|phase #) … (trial|trials|study|studies|program) … (discontinued|terminated|halted|"
            "paused|suspended|stopped|abandoned|delayed)",
            "(delay*|postpone*) … (trial|phase #|topline|data readout|study)",
        ),
        Direction.DOWN,
        unless=re.compile(
            r"(?<!lack of )(?<!no )\befficacy\b|\b(?:ends|ended|end|stop\w*) (?:of )?(?:phase|trial|study|q\d|"
            r"quarter|first|second|"
            r"third|fourth|year)|early success|end-of-phase|stopped early for|non-?stop|software|loyalty|"
            r"agreement|mining|\batm\b|at[ -]the[ -]market|equity line|vehicle|business segment|trading halt"
        ),
    ),
    Rule(
        "trading halt",
        Catalyst.HALT,
        phrases(
            "(trading|shares|stock|share trading) (in \\w+ )?(is |are |was |were |has been |have been |"
            "remains )?(temporarily )?(halt|halted|halts|suspended|paused)",
            "(trading|trade) … (halted|suspended|halt)",
            "halt* … (trading|shares|stock)",
            "halted … (news|volatility|circuit|pending|luld|pause|higher|lower|upside|downside|additional)",
            "news pending",
            "circuit (breaker|halt)",
            "luld",
            "volatility (trading )?(pause|halt)",
            "(suspend*|halt*) … (trading|dealings) (in|of)",
            "(t1|t2|t12|t5|h10) halt",
            "(code|halt) (t1|t2|t12|t5|h10)",
            "halted … limit (up|down)",
            "(suspend*) trading",
        ),
        Direction.DOWN,
        unless=re.compile(r"\bhalt\w* (?:production|shipments|sales|operations|dosing|enrollment|trial)"),
    ),
    Rule(
        "accused",
        Catalyst.LEGAL,
        phrases(
            "(sec|doj|ftc|justice department|department of justice|antitrust|attorney general|cfpb|finra|eu|"
            "regulator*|prosecutor*|fbi|irs|congress*|senate|u.s.|nhtsa|faa|epa|cma) … (probe|probes|probing|"
            "investigat*|charges|charged|sues|sued|subpoena*|"
            "charge|complaint|fines|fined|raids|raid|lawsuit|inquiry|alleges|accuses|seeks to block|blocks|"
            "objects)",
            "(indict*|subpoena*|wells notice|embezzl*|whistleblower|misconduct|ponzi)",
            "(accounting|securities|wire|bank) (fraud|irregularities|error|errors|probe|scandal)",
            "fraud*",
            "insider trading",
            "under … investigation",
            "(investigation|probe|inquiry) (of|into|by) … (regulator*|authority|commission|antitrust|police|"
            "prosecutor*|sec|doj|ftc|accounting)",
            "(probe|probes|probing|investigat*) … (accounting|books|sales practices|bribery|corruption|price fixing)",
            "(restat*|restatement) … (financial*|results|earnings|statements)",
            "(restate|restates|restatement)",
            "no longer be relied",
            "non-reliance",
            "material weakness*",
        ),
        Direction.DOWN,
        about=Catalyst.LEGAL,
        unless=re.compile(
            r"anti-?fraud|fraud (?:detection|prevention|protection|solution|platform|management)|"
            r"fights? fraud|congressional"
        ),
    ),
    Rule(
        "distrusted",
        Catalyst.LEGAL,
        phrases(
            "short (seller|sellers|report|attack)",
            "(hindenburg|citron|muddy waters|spruce point|fuzzy panda|kerrisdale|wolfpack|blue orca|viceroy research|"
            "culper)",
            "worthless",
            "(hindenburg|citron|muddy waters|culper|grizzly|spruce point|fuzzy panda|kerrisdale|wolfpack|"
            "iceberg research|"
            "blue orca|gotham|viceroy|white diamond|bear cave|night market|ningi|capybara|morpheus|"
            "bleecker) … "
            "(short|report|says|alleges|research|publishes|takes)",
            "auditor … (resign*|dismiss*|quits|withdraws|departs)",
            "(dismisses|resignation of) … auditor",
            "resign* (as|from) … auditor",
        ),
        Direction.DOWN,
        about=Catalyst.OTHER,
    ),
    Rule(
        "sued",
        Catalyst.LEGAL,
        phrases(
            "(sue|sues|sued|suing|lawsuit|lawsuits|litigation|suit)",
            "(files|filed) … (complaint|suit) against",
            "patent infringement",
            "infring*",
            "(jury|court|judge|tribunal|arbitrator*) … (against|orders|ordered|finds|liable|rules)",
            "(loses|lost|losing) … (case|appeal|patent|ruling|court|trial|verdict|arbitration|bid to)",
            "(ordered|agrees|agreed|to) (to )?pay … (damages|settle|fine|penalty|penalties|restitution)",
            "(fined|fine of|penalty of|penalties)",
            "class action",
            "(settles|settle|settlement) … (charges|claims|lawsuit|suit|probe|allegations|case|class)",
            "(arrested|arrest of|charged with|guilty)",
            "patent … (invalid*|revoked|tossed|voided|struck down)",
            "(tosses|toss|voids|strikes down|throws out|cancels) … (patent|patents)",
            "(ceo|cfo|founder|chairman|executive|director|president) … (charged|indicted|arrested|convicted|jailed)",
            "(probed|investigated|raided|charged|fined|penalized) (by|in|over|for)",
            "(invalidat*|revok*) … patent",
            "(accused of|alleg*|misled)",
            "(injunction|restraining order)",
        ),
        Direction.DOWN,
        about=Catalyst.LEGAL,
        unless=re.compile(r"alleg(?:iant|ro|iance)"),
    ),
)
