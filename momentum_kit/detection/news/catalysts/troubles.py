"""Rules for lesser ills: officers who leave, recalls, orders and deals lost or ended; news that points down."""

import re

from momentum_kit.detection.news.catalysts.phrases import Phrases, phrases
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.models import Catalyst, Direction

_TALKS = "talks|discussions|negotiations"
_DEAL = (
    f"{_TALKS}|letter of intent|loi|mou|memorandum|pact|agreement|deal|partnership|collaboration|alliance|tie-up|"
    f"accord|"
    "license|licence|joint venture|jv|arrangement|contract|contracts|award|awards|grant|grants|supply|merger|takeover|"
    "acquisition|buyout|bid|spin-off|spin-out|sale of|sale process|strategic review|option to|plan to|plans to"
)
_STAFF = "jobs|job|staff|workforce|headcount|employees|positions|workers|workforces"
_EXECUTIVE = (
    "ceo|cfo|coo|cto|chief executive|chief financial officer|chief medical officer|president|"
    "chairman|chair|audit firm|coo|founder|finance chief|auditor|director|directors|board member|general counsel|"
    "treasurer"
)

_CORRECTED = Phrases(
    re.compile(
        r"\bcorrect(?:ion|ed|s)?: .{0,120}?,? not\b|\bcorrects? (?:(?:its|the|earlier|prior|previous) )?"
        r"(?:press )?(?:release|headline|statement|report)|\bmisstated\b|\bearlier (?:headline|report|story)\b|"
        r"\b(?:erroneous|mistaken|incorrect)ly (?:report|stat|said)"
    ),
    frozenset({"correct", "misstated", "earlier", "erroneously", "mistakenly", "incorrectly"}),
)

LESSER_ILLS: tuple[Rule, ...] = (
    Rule(
        "loses its officers",
        Catalyst.ADVERSE,
        phrases(
            f"({_EXECUTIVE}) … (resign|resigns|resigned|resignation|step down|steps down|stepping down|departs|"
            f"departure|fired|ousted|terminated|leaves|quits|quit|steps aside|stepping aside|retires abruptly|to "
            f"leave|to depart|on leave|dies|passes away|"
            f"exits)",
            f"({_EXECUTIVE}|insider|insiders|holder|shareholder) (sells|sold|selling|unloads|dumps|dumped|offloads)",
            f"({_EXECUTIVE}|top lawyer|officer) (is |are )?(out|gone|leaving|exiting|leaves|removed)",
            "form 144",
            f"(proposed|planned|intended) sale … ({_EXECUTIVE}|insider|officer|holder|affiliate)",
            f"(fires|ousts|terminates|resignation of|departure of|removes|dismisses|parts ways with|"
            f"suspends) … ({_EXECUTIVE})",
        ),
        Direction.DOWN,
        about=Catalyst.OTHER,
    ),
    Rule(
        "a deal ended",
        Catalyst.ADVERSE,
        phrases(
            "(end|ends|ended|ending|halts|halted|discontinu*|breaks off|broke off|suspend*|terminat*|calls off|"
            "called off|"
            "abandon*|paus*|ceas*|stops|stopped|exits|exited|quits|scrap*|shelv*|cancel*|axes|axed|nixes|withdraws|"
            f"withdrew|voids|voided|rescind*|revok*|lets lapse|declines|passes on|opts out of) … ({_DEAL})",
            f"({_TALKS}|deal|merger|takeover|sale) … (fail|fails|failed|collaps*|stall*|break down|breaks down|broke "
            f"down|"
            "ended|ends|fall apart|falls apart|fell apart|falls through|fell through|break off|breaks off|broke off|"
            "dead|in doubt|at risk|deadlock*)",
            "(buyer|bidder|suitor|acquirer|partner|customer|lender|investor|licensee|purchaser|collaborator|client) … "
            "(ended|ends|walk*|withdr*|terminat*|pulls|pulled|dropped|drops|backs out|backed out|cancel*|exits|exited|"
            "quits|opts out|declines|declined|defaults|defaulted)",
            "(lower*|cut|cuts|reduc*|trim*|slash*) … (its |the )?(takeover |buyout |acquisition |merger )?(offer|bid)",
            "(lower*|cut|cuts|reduced|reduces|sought lower|seeks lower) (takeover |purchase |deal )?price",
            "(vote|votes|voted|voting|urges|recommends|advises) … against",
            "oppos* … (deal|merger|takeover|acquisition|offer|bid|sale|buyout|directors|nominees|slate)",
            "(vote|meeting) … (postponed|adjourned|cancelled|canceled)",
            "(agreement|contract|exclusivity|deal|partnership|license|mou|memo*|loi|letter) … (expires|expired|"
            "lapse*|lapsed)",
            "(fell|falls|falling) through",
            "(hands back|handed back|gives back|gave back|return|returns|returned|relinquish*) … rights",
            "opt* (not|out)",
            "(retract*|walks back|backtracks|disavow*) … (statement|release|claim*|report|announcement|partnership|"
            "deal|order)",
            "(judge|court|ftc|doj|cfius|regulator*|eu|cma|antitrust|watchdog) … (block*|stop*|object*|oppos*|"
            "challeng*|nix*|"
            "bars|barred|scrutin*|delay*) … (deal|sale|merger|purchase|acquisition|takeover|buyout|combination)",
            "(abandon*|scrap*|drops|dropped|axes|ditch*|kill*|mothball*|nixes|gives up) … (plan|plans|project|effort|"
            "launch|"
            "strategy|model|rollout|expansion)",
            "(goes|went|awarded|going) to (a )?(rival|competitor)",
        ),
        Direction.DOWN,
        about=Catalyst.OTHER,
        unless=re.compile(
            r"\bends? (?:(?:the|its|a) )?(?:quarter|year|fiscal|fy|q\d|first|second|third|fourth|week|month|day|\d)|"
            r"\b(?:lawsuit|"
            r"suit|probe|dispute|investigation|litigation|strike|hold|tariffs?|standoff|boycott|rights agreement|"
            r"rights plan|"
            r"poison pill|lock-?up|non-?compete|credit agreement|loan agreement|dismissed|exclusivity period "
            r"extended)\b"
        ),
    ),
    Rule(
        "no deal",
        Catalyst.ADVERSE,
        phrases(
            "no (deal|agreement|pact|contract|bid|buyer|bidder|takeover|transaction|merger|sale|accord|talks|approval|"
            "clearance) (to|with|for|has|have|yet|reached|from|on|in|was|is|as|signed|made)",
            "(receiv*|got|has|have|had|having|reach*|sign*|made) no … (offer|bid|proposal|approach|clearance|approval|"
            "order|orders|contract|deal|agreement|partnership|investment)",
            "(not|isn't|aren't|wasn't|weren't|hasn't|haven't|never|no longer|didn't|doesn't|won't) (yet |currently |"
            "now |being |be |been |an |a |in |to )?(an |a |in |to |yet )?(\\w+ )?(investment|binding|definitive|"
            "agreement|"
            "contract|customer|supplier|for sale|in talks|pursu*|seek*|consider*|finali*|reach*|agreed|signed|awarded|"
            "selected|chosen|approved|received|receive|involved|affiliated|partner|partnered|proceed*|acquir*|"
            "going private|negotiat*|engaged|merg*|included|part of|win|winning|won|approached|"
            "contacted|invited|on time|timely)",
            "non-?binding",
            "no (offer|stake|deal|bid|order|contract|partnership|relationship|agreement|tie|ties) … (in|on|with|at|to)",
            "not (final|finalized|complete|certain|guaranteed|signed)",
            "(is|are|still|remains|remain) (conditional|contingent|subject to|tentative)",
            "clarif* … not (#|{money}|a |an |yet|in )",
        ),
        Direction.DOWN,
        about=Catalyst.OTHER,
        unless=re.compile(
            r"\b(?:dilut\w*|reverse split|chapter|bankrupt\w*|insolven\w*|going concern|delist\w*|lay-?offs?|"
            r"offering|equity|"
            r"raise|raising|raises|shares|stock|capital|converti\w*|warrants?|atm|financing|default\w*|restat\w*|"
            r"negative|crl|"
            r"hold|lawsuit|sued|accused|charged|guilty|liable|infring\w*|affect\w*|impact\w*|tariffs?|tax\w*|shelf|"
            r"debt|subpoena\w*|investigat\w*|probe|wrongdoing|side effects?|adverse|just|only)\b"
        ),
    ),
    Rule("corrected", Catalyst.ADVERSE, _CORRECTED, Direction.DOWN, about=Catalyst.OTHER),
    Rule(
        "trouble in business",
        Catalyst.ADVERSE,
        phrases(
            "recall of … (vehicles|units|product*|cars|trucks|lots|batteries|device*)",
            "(recall|recalls|recalled|recalling) … (vehicles|units|products|product|cars|trucks|scooters|"
            "lots|batteries|device*|#|over|due|voluntar*)",
            "(product|vehicle|safety|voluntary|class i|nationwide) (recall|recalls)",
            "(recalls|recalling|recalled)",
            "(to|announces|issues|expands|voluntary) recall",
            "(fails|failed|flunks) … (test|tests|inspection|audit)",
            "(explodes|exploded|blows up|crashes during|destroyed)",
            "(shuts|closes|idles|shutters|shutting|mothballs) … (plant|factory|mine|mill|operations|stores|facility)",
            "stop work order",
            "(not|isn't|won't be) (renewed|extended)",
            "(removed|dropped|deleted|ousted|cut) from … (s&p|russell|nasdaq 100|dow|index|msci)",
            "insider* … selling",
            "(enrollment|recruitment) (slower|delay*|behind)",
            "slower than expected",
            "(came in|quarter is|sales are|demand is) (light|soft|weak)",
            "(delay*|postpon*|push*) … (data|readout|results|study|trial|submission|nda|bla|approval|decision)",
            "(defer*|skip*|halts) … (dividend|distribution)",
            "(reports|report|rumors|rumours|speculation) … (false|untrue|incorrect|baseless|unfounded|inaccurate)",
            "(denies|denied|refutes|dismisses) … (report*|rumor*|sale|deal|talks|speculation|claims|story)",
            "(isn't|not|aren't) in … talks",
            "(drops|dropped|withdraws|pulls|abandons|ends) … (bid|offer|pursuit|proposal) (for|of)",
            "(fitch|moody's|s&p|dbrs) … (downgrad*|cuts|lowers)",
            f"(cut|cuts|cutting|slash*|eliminat*|shed|sheds|shedding|axes|axing|reduc*|trim*) … ({_STAFF})",
            "(lay off|lays off|laying off|laid off|layoff|layoffs|job cuts|furlough*|reduction in force)",
            "strategic (alternative|alternatives|review)",
            "insiders … (sold|sell|sells|selling|dump*)",
            "return* … rights to",
            "(ransomware|cyberattack|cyber attack|data breach|cybersecurity (incident|breach)|hacked|security breach)",
            "(explosion|plant fire|fire at|accident|crash of|derail*|outage|spill)",
            "(halt*|suspend*|stop|stops|stopped|idle*|curtail*|paus*|shut|shuts|shutting|clos*) … (output|production|"
            "operations|mining|mine|plant|mill|flights|drilling|smelter|refinery|fab|shipments|deliveries)",
            "(cut|cuts|cutting|lower*|reduc*|slash*) … (output|production|capacity|shipments|delivery target*)",
            "(production|shipment|shipments|delivery|launch|trial|project|construction|approval|review|closing|opening|"
            "merger|rollout) (is |was |to be |further |again )?(delay|delays|delayed|setback|halt|halted|stoppage|"
            "suspended|pushed|postponed)",
            "(warns|warned|cautions|warning) (it |that |of (a |an )?(loss|hit|shortfall|weak*|slow*|lower*|delay*|"
            "impact|"
            "default|tariff*|layoff*)|on (sales|profit*|revenue|demand|margin*|outlook|tariff*|growth)|may |could |"
            "about )",
            "(hit|hurt|weighed|dented|squeezed|battered|stung|pressured|hampered|hobbled) (by|as|amid|with)",
            "(weigh*|drag*) on (sales|profit*|results|revenue|margin*|demand|earnings|outlook)",
            "(plant|factory|mine|mill|refinery|facility|site|operations) (is |was )?(shut|shuttered|idled|closed|"
            "evacuated)",
            "(file|files|filing) … (late|on time)",
            "(won't|not|can't|cannot|unable to) file",
            "cyber (incident|attack|event|breach|issue)",
            "(suspend*|cut*|skip*|halt*|defer*|omit*) … (payout|payouts|distributions)",
            "(stop|stops|stopped|halts|halted|ends|ended|drops|dropped) (all )?(work|development|research|sales|"
            "funding) (on|of|for)",
            "(no truth|knows of no|aware of no|unaware of|no knowledge of|no reason for)",
            "(is a zero|short (firm|seller|report))",
            "(holder|holders|shareholder|investor|backer) … (trim*|cut*|exit*|dump*|slash*|sell*|sold|unload*) … "
            "(stake|shares|"
            "position|holding*)",
            "(tariffs|costs|shutdown|strike|outage|recall) (to|will|could|may) (cost|hurt|hit|weigh|dent|cut)",
            "(contract|order|project|award|program|deployment) … (on hold|shrink*|shrank|frozen|in limbo|protested|"
            "under protest)",
            "(shut*|shutter*|to close|closing) … (store|stores|lab|labs|office|offices|site*|clinic*|restaurants|"
            "branches|"
            "locations|warehouse*|division|pipeline|line)",
            "(exit|exits|exiting) … (oncology|market|business|segment|development|country|china|russia|category)",
            "(told|ordered|forced|asked) to (stop|halt|cease|recall|suspend|pull|close)",
            "(aground|collid*|leak|leaks|blast|explosion|derail*)",
            "(hack|hackers|data (leak|theft|exposed)|exposes data)",
            "dividend … (cut|halved|suspended|slashed|eliminated|omitted)",
            "(shelv*|suspend*|paus*|halt*|end|ends|cancel*|scrap*) … (buyback|repurchase*)",
            "(lock-?up|lockup) (expir*|end*|release|lifts)",
            "(pulled|withdrawn|removed) from (the )?(market|sale|shelves)",
            "(flags|flagged|cites|cited|blames|blamed|sees) … (weak*|soft*|slow*|headwind*|pressure|delay*|risk*|"
            "lower)",
            "margin* (narrow*|shrink*|shrank|contract*|fall*|fell|compress*|squeez*)",
            "(setback|shortfall|underwhelm*|lackluster|profit warning|cash burn)",
            "(demand|sales|orders|bookings|traffic|margins|volumes) (soften*|weaken*|slow|slows|slowed|slowing|dwindl*|"
            "evaporat*|dry up|dries up|slump*|slid*|hit by)",
            "(market|demand|sales|orders|traffic|spending|guidance) (is |was |remains |stays )?(weak|soft|sluggish|"
            "tepid)",
            "(mixed (reviews|quarter|reaction|reception)|bite out of)",
            "(below|short of) … (hopes|expectations|hoped)",
            "(buyback|repurchase*) (paused|suspended|halted|cancelled|canceled|ended)",
            "(suspend*|cut*|eliminat*|slash*|omit*|halv*) … (dividend|distribution|buyback)",
            "(delay*|postpon*|push*) … (launch|production|annual report|10-k|10-q|filing|deliver*|opening|"
            "shipment*|merger|closing|deal|project|ipo)",
            "(unable|fails|failed|inability) to (timely )?file … (10-k|10-q|20-f|report)",
            "(won't|not|can't|cannot|unable to|misses|missed|to miss) (meet |make )?… (10-k|10-q|20-f|filing|report) "
            "deadline",
            "(finds|found|uncovers|discovers) … (error|errors|irregularit*|misstatement*) … (books|accounts|results|"
            "statements|financials|report*)",
            "{money} (hit|charge|write-down|writedown|impairment|writeoff)",
            "(suspended|placed on leave) (amid|pending|over)",
            "(hard landing|tips over|tipped over)",
            "(claims|statements|ads|marketing) … (deceptive|misleading|false)",
            "in breach( of)?",
            "(nt 10-k|nt 10-q)",
            "(write-down|writedown|write-off)",
            "(goodwill|asset) impairment",
            "impairment (charge|charges|loss|of)",
            "(loses|lost|losing) … (contract|customer|client|order|deal|license|bid|exclusivity|partner)",
            "(strike|walkout) … (plant|workers|union)",
            "(halts|halt|suspends|suspend|pauses|idles) … (production|operations|shipments|sales|mining|"
            "deliveries|plant)",
            "(cancel*|terminat*|scrap*|scrub*|revok*|rescind*) … (contract|order|orders|agreement|deal|"
            "program|project|license|permit|launch|lease|merger|grant|partnership|collaboration)",
            "(contract|order|orders|agreement|deal|license|permit|grant|merger|partnership|acquisition|"
            "takeover|talks|collaboration|offer|bid) … (cancelled|canceled|terminated|revoked|rescinded|"
            "collapse|collapses|collapsed|falls through|called off|blocked|rejected|scrapped|abandoned|"
            "breaks down|break down|stalled|dead)",
            "talks … end*",
            "(denies|denied|not in|no) (takeover |merger |deal |sale |advanced |any )?(talks|discussions|negotiations)",
            "(walks|walking|walked|backs|backing) (away|out) (from|of)",
            "(rejects|reject|rejected|rejecting|spurns|rebuffs|vote down|votes down) … (merger|offer|bid|"
            "takeover|proposal|deal|buyout|acquisition)",
            "credit rating … (cut|downgraded|lowered)",
            "(credit )?rating (cut|lowered)",
            "reject* … merger",
            "stake … (sold|cut|reduced|exits)",
            "(sell|sells|selling|sold) (part|half|some|most|all|a portion) of … (bitcoin|btc|ether*|eth|crypto|coins|"
            "holdings|reserve*)",
            "(sell|sells|selling|sold) (its |# |{money} (of |in )?)?(bitcoin|btc|ether|eth|solana|coins)",
            "(misled|short squeeze ends)",
        ),
        Direction.DOWN,
        about=Catalyst.OTHER,
        unless=re.compile(
            r"workers'? comp|(?:cognitive|visual|hearing|renal|hepatic) impairment|no (?:layoffs|impairment|outage)|"
            r"avert|"
            r"avoid|\bresum\w+|leak (?:detect|prevent|proof)\w*|costs? of production|production costs?|competitor "
            r"recall|cyber ?(?:security|defen[cs]e|monday|resilience|protection|threat)|"
            r"fire (?:tv|"
            r"hd|rescue|department|"
            r"safety|truck)|accident (?:detection|insurance)"
        ),
    ),
)
