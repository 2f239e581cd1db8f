"""Rules for lesser ills: officers who leave, recalls, orders and deals lost or ended; news that points down."""

import re

from momentum_kit.detection.news.catalysts.phrases import phrases
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.models import Catalyst, Direction

_EXECUTIVE = (
    "ceo|cfo|coo|cto|chief executive|chief financial officer|chief medical officer|president|"
    "chairman|founder|finance chief|auditor|director|directors|board member|general counsel|treasurer"
)

LESSER_ILLS: tuple[Rule, ...] = (
    Rule(
        "loses its officers",
        Catalyst.ADVERSE,
        phrases(
            f"({_EXECUTIVE}) … (resign|resigns|resigned|resignation|step down|steps down|stepping down|departs|"
            f"departure|fired|ousted|terminated|leaves|quits|to leave|to depart|on leave|dies|passes away|"
            f"exits)",
            f"(fires|ousts|terminates|resignation of|departure of|removes|dismisses|parts ways with|"
            f"suspends) … ({_EXECUTIVE})",
        ),
        Direction.DOWN,
        about=Catalyst.OTHER,
    ),
    Rule(
        "trouble in business",
        Catalyst.ADVERSE,
        phrases(
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
            "(lay off|lays off|laying off|layoffs|cut*|reduc*|slash*) … #% … (workforce|jobs|headcount|staff|"
            "employees)",
            "(lay off|lays off|laying off|cut*|reduc*) (most|all|half|majority|nearly all) … (workforce|jobs|"
            "headcount|staff|employees)",
            "strategic (alternative|alternatives|review)",
            "insiders … (sold|sell|sells|selling|dump*)",
            "return* … rights to",
            "(ransomware|cyberattack|cyber attack|data breach|cybersecurity (incident|breach)|hacked|security breach)",
            "(explosion|plant fire|fire at|accident|crash of|derail*|outage|spill)",
            "(suspend*|cut*|eliminat*|slash*|omit*|halv*) … (dividend|distribution|buyback)",
            "(delay*|postpon*|push*) … (launch|production|annual report|10-k|10-q|filing|deliver*|opening|"
            "shipment*|merger|closing|deal|project|ipo)",
            "(unable|fails|failed|inability) to (timely )?file … (10-k|10-q|20-f|report)",
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
            "(misled|short squeeze ends)",
        ),
        Direction.DOWN,
        about=Catalyst.OTHER,
        unless=re.compile(
            r"(?:cognitive|visual|hearing|renal|hepatic) impairment|no (?:layoffs|impairment|outage)|avert|"
            r"avoid|competitor recall|fire (?:tv|hd|rescue|department|"
            r"safety|truck)|accident (?:detection|insurance)"
        ),
    ),
)
