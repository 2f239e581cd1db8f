"""Rules for what may lift a price for good: deals, courts won, medicine."""

import re

from momentum_kit.detection.news.catalysts.rule import Rule, lifts
from momentum_kit.models import Catalyst

WON = "court won"
ACQUIRES = "to acquire"
BOUGHT = "to be acquired"

DEALS: tuple[Rule, ...] = (
    lifts(
        BOUGHT,
        Catalyst.MA_TARGET,
        "(to be|will be|agrees to be|agreed to be|being|gets|be|is|was|been) (acquired|bought|bought out|"
        "taken (private|over)|purchased)",
        "acquired by",
        "(take|taken|taking|takes|go|goes|going) private",
        "(buyout|takeover|acquisition|unsolicited|non-binding|nonbinding|preliminary|tender|take-private|"
        "purchase|cash|rival|sweetened|improved) (and unsolicited |acquisition |takeover |"
        "buyout )?(offer|bid|proposal|interest|approach|talks)",
        "(receives|received|confirms|gets|rejects|reviews|weighs|considers|draws|attracts) … "
        "(takeover|acquisition|buyout|unsolicited|merger|purchase|non-binding) (offer|bid|proposal|"
        "interest|approach)",
        "(offer|bid|proposal) (to (acquire|buy|purchase)|for all)",
        "(talks|near deal|nears deal|close to deal|in discussions|discussions) (to|for|of|about) (buy|"
        "acquire|be acquired|sale|sell itself|a sale|merger|takeover|be bought)",
        "(near|nears|nearing|close to) (a )?(deal|agreement) (for|to)",
        "sell itself",
        "talks (to|of|about) (be|being|get|getting) (sold|bought|acquired)",
        "(rumor*|reported|potential|possible|speculat*|exploratory) … (takeover|buyout)",
        "takeover (rumor*|report*|speculation|interest|talk|talks|chatter)",
        "{money} … (takeover|buyout)",
        "(proposal|offer|bid) … superior",
        "superior (proposal|offer|bid)",
        "(sale|sell) (of )?(the )?(entire )?company",
        "(explor*|consider*|weigh*|evaluat*|mulls) … (sale|going private|take private|takeover)",
        "(sweetens|raises|improves|lifts) … (offer|bid) for",
        "(makes|launches|submits|raises|tops) … (offer|bid) (for|to)",
        "(buyout|takeover) (of|by|from|target)",
        "{money} (a|per) share (bid|offer)",
        unless=r"\bexchange offer|\brejected|\bdebt tender|\btender offer (?:for (?:its|notes|senior|"
        r"outstanding)|to purchase (?:its|up to))|own shares|consumer|customer acquisition",
    ),
    lifts(
        ACQUIRES,
        Catalyst.MA_ACQUIRER,
        "(to|will|would|may|plans to|agrees to|agreed to|intends to) (acquire|buy|purchase|buy out)",
        "(acquires|acquired|acquiring)",
        "(completes|closes|announces|completed|closed|announced|finalizes|with|by|through|proposed|"
        "strategic|advances|signs) … (acquisition|purchase) of",
        "acquisition of … (by|for|from)",
        "(letter of intent|loi|option|agreement|deal) (to|for) (acquire|buy|purchase|the acquisition|acquisition)",
        "(buys|snaps up) … (for {money}|stake|maker|firm|startup|company|business|unit|assets)",
        "takes over",
        "(majority|controlling) (stake|interest)",
        "buys",
        unless=r"\b(?:bitcoin|btc|ethereum|ether|eth|solana|xrp|crypto\w*|tokens?|coins?|doge\w*|sui)\b|"
        r"buys? ?back|buying back|bought back|repurchas|\bto buy (?:now|today|back)|shares? of its|"
        r"insider|buys (?:shares|stock)|"
        r"director|(?:option|right)s? to purchase|purchase (?:orders?|up to .{0,20}shares)",
    ),
    lifts(
        "merger terms",
        Catalyst.MA_TARGET,
        "per share in (an )?(all )?cash",
        "{money} (per|a) share (in )?(all )?cash",
        "(merger|business combination) (agreement|pact|deal|with|proposal|vote)",
        "(to|will|agree to|agrees to) merge",
        "merger of equals",
        "all stock (merger|deal|transaction)",
        "(reverse|spac) merger",
        "business combination",
        "(definitive|proposed|pending|planned) merger",
        "(approve|approves|approved|completes|closes|announces|supports|recommends) … (merger|"
        "business combination|spac deal)",
        "merges with",
    ),
)

COURTS_WON: tuple[Rule, ...] = (
    lifts(
        "patent",
        Catalyst.LEGAL_WIN,
        "(granted|grants|awarded|awards|receives|received|issued|issues|secures|obtains|gets|allowed|"
        "wins|announces issuance of|new) … (patent|patents)",
        "patent (granted|issued|allowed|issuance|grant|win)",
        "notice of allowance*",
        "(upholds|upheld|affirms|confirms) … (patent|patents|validity|claims)",
        unless=r"\bsue[sd]?\b|lawsuit|infring|patent (?:case|suit|trial|dispute|verdict|appeal|fight|battle)",
        about=Catalyst.OTHER,
    ),
    lifts(
        WON,
        Catalyst.LEGAL_WIN,
        "(win|wins|won|secures|obtains|gets) … (patent case|lawsuit|suit|case|appeal|ruling|verdict|"
        "injunction|arbitration|dismissal|litigation|judgment|court|trial against|patent trial|"
        "patent suit)",
        "(court|judge|jury|itc|ptab|tribunal|panel|arbitrator*) … (in favor of|favors|sides with|"
        "backs|dismisses|tosses|upholds|clears|rejects … (suit|lawsuit|claims|challenge))",
        "(rules|ruling|verdict|judgment|decision|finding) (for|in favor)",
        "(favorable|favourable) … (ruling|verdict|judgment|decision|outcome|settlement|court)",
        "(lawsuit|suit|class action|charges|case|complaint|claims|litigation|investigation|probe|"
        "petition) … (dismissed|dropped|thrown out|tossed|withdrawn|closed|ends|ended)",
        "(dismiss|dismisses|dismissed|dismissal of|drops|tosses|throws out|dropped) … (lawsuit|suit|"
        "class action|charges|case|complaint|claims|litigation|appeal|petition)",
        "prevail*",
        "(awarded|awards|wins|receives) … (damages|royalties|judgment)",
        "(ends|closes|concludes|drops|completes|ended|closed|concluded) (its |the )?(investigation|probe|"
        "inquiry|review)",
        "(concludes|closes|ends|ended) … (investigation|probe|inquiry)",
        "no enforcement action",
        "cleared (of|by) … (wrongdoing|charges|probe|court|sec|doj)",
        "(upholds|affirms|upheld|affirmed) … (verdict|ruling|judgment|win|victory)",
        "legal victory",
        "exonerat*",
        unless=r"\b(?:motion to dismiss denied|denies .{0,25}(?:motion|bid|request) to dismiss|briefcase|"
        r"use case|business case|showcase)\b|fda|\bcovid test case|\brules (?:on|in favor of plaintiff)|"
        r"orders? .{0,20}to pay|(?:toss|throw|void)\w* [^,;:]{0,25}patents?\b|clinical|phase|trial (?:data|results|"
        r"met)",
        about=Catalyst.LEGAL,
        final=True,
    ),
)

MEDICINE: tuple[Rule, ...] = (
    lifts(
        "approval",
        Catalyst.FDA,
        "(fda|ema|chmp|mhra|nmpa|pmda|european commission|health canada|tga|anvisa|"
        "european medicines agency) … (approv*|clear|clears|cleared|clearance|authoriz*|grants|granted|"
        "accepts|accepted|acceptance|green light|nod|backs|recommends|positive opinion|endorses|lifts|"
        "agrees|agreement|alignment|okays|permits|designat*|feedback|supports|license*|removes|removal)",
        "(approval|approves|approved|clearance|cleared|authorization|authorized|nod|green light|"
        "designation|accepted|acceptance|submits|submitted|submission|filing|files|application|meeting|"
        "alignment|agreement|feedback|minutes|removal|lift*|remov*) … (fda|ema|chmp|european commission|"
        "health canada|nmpa|pmda|mhra|medicines agency)",
        "(wins|gets|receives|gains|secures|obtains) … (marketing approval|regulatory approval|"
        "drug approval|ce mark|ce marking|marketing authorization)",
        "510k",
        "(ce mark|ce marking|ce-mark|emergency use|marketing authorization|regulatory approval|regulatory clearance)",
        "de novo (clearance|authorization|classification|marketing|request)",
        "(submits|files|submitted|submission of|accepts|accepted|acceptance of|completes|rolling|"
        "supplemental|resubmits|resubmission|approves|clears|for|of|its) … (nda|bla|maa|ind|snda|sbla|"
        "pma|anda|new drug application|biologics license|marketing application|investigational new drug)",
        "(nda|bla|ind|snda|sbla|pma|anda) … (accepted|approved|cleared|filing|submission|acceptance|"
        "clearance|submitted|approval|application)",
        "(adcom|advisory committee) … (votes|voted|backs|recommends|favor|supports|meeting|to review)",
        "medicare … (coverage|reimbursement|code)",
        unless=r"\b(?:antitrust|ftc|stock split|takeover|etf)\b",
    ),
    lifts(
        "designation",
        Catalyst.FDA,
        "(eu|european|uk|u.k.|japan*|chin*|canad*|swiss|australia*|korean|saudi|brazil*|regulatory|"
        "marketing) (approval|nod|clearance|"
        "authorization)",
        "(positive|favorable|unanimous) … (panel|advisory|adcom)",
        "(fast track|breakthrough therapy|breakthrough device|breakthrough designation|orphan drug|"
        "orphan designation|rmat|priority review|rare pediatric|accelerated approval|"
        "qualified infectious|regenerative medicine|orphan status|platform technology designation)",
        "pdufa",
        "(lift*|remov*|releas*|resolv*|removal of) … (clinical|partial) hold",
        "(clinical|partial) hold … (lift*|remov*|releas*)",
        "(european|eu|japan*|chin*|uk|canad*|australia*) … (approv*|clears|clearance|authoriz*) … (drug|"
        "therapy|device|vaccine|treatment|test|"
        "system|inject*)",
        "(approv*) … (in europe|in japan|in china|in the eu|in canada)",
    ),
    lifts(
        "met endpoint",
        Catalyst.CLINICAL_SUCCESS,
        "(met|meets|meet|achiev*|hit|hits|reach|reaches|reached) … (endpoint*|main goal|primary goal|"
        "main objective|primary objective|key goal)",
        "(positive|promising|encouraging|successful|favorable|favourable|statistically significant|"
        "strong|impressive|robust|compelling|durable|potent|significant|superior|best-in-class|"
        "groundbreaking|remarkable) … (data|results|result|readout|topline|top-line|findings|trial|study|"
        "outcomes|"
        "efficacy|response|responses|safety profile|survival|activity|benefit)",
        "statistically significant",
        "(overall|objective|complete|response) (response )?(rate|rates|remission|remissions)",
        "(shows|showed|demonstrat*|cut|cuts|reduc*|improv*|led to|slowed|slows|extends|extended|prolong*|"
        "lowers|lowered|achieved|shrank|delivers) … (trial|study|phase #|patients|placebo|tumor*|"
        "efficacy|"
        "weight loss|survival|immune response|response|remission|mice|preclinical|clinical)",
        "(stopped|stop|ended|halted) early … (efficacy|success|benefit)",
        "# (weight loss|reduction|improvement|response rate|survival|orr|remission)",
        "proof of concept",
        "(meets|met|exceeds|exceeded|tops) expectations … (trial|trials|study|studies|phase #)",
        "(stopped|stop|ended|halted) early … superiority",
        "early … (for efficacy|for superiority)",
    ),
)
_CLINICAL = re.compile(
    r"\b(?:statistically|phase|trials?|stud(?:y|ies)|patients?|clinical|top-?line|therap\w+|dos(?:e|es|"
    r"ing)|treat\w+|placebo|efficacy|endpoints?|"
    r"tumor\w*|vaccines?|drugs?|pill|preclinical|cancer|disease|cohort|interim|gene|pivotal|readout|"
    r"survival|remission|adults|children)\b"
)


def clinical(text: str) -> bool:
    """Whether a result can be a trial's: 'strong results' alone are a quarter's."""
    return _CLINICAL.search(text) is not None
