"""The words around companies' names: what companies do in headlines, what stands before them, what is no company."""


def _spread(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


NOUNS_AFTER = _spread(
    "shares stock shareholders stockholders investors investor eps earnings q1 q2 q3 q4 1q 2q 3q 4q fy fiscal fy25",
    "fy26 fy2025 fy2026 fy27 fy2027 fy24 fy2024 holders options",
)
"""Nouns that follow a company's name only."""

TERMS = {("registered", "direct")} | {
    (kind, what)
    for kind in ("preferred", "lead", "strategic", "bridge", "direct", "anchor", "growth", "core", "prime", "retail")
    for what in ("stock", "shares", "units", "equity", "investor", "investors", "offering", "offerings", "holders")
}
"""Pairs of finance, of which one word is a company's name by itself: "Preferred Stock" is not Preferred Bank's."""

AFTER_NAME = _spread(
    "guidance announces announced reports reported prices priced files filed completes completed enters entered",
    "acquires acquired declares declared appoints regains reaffirms commences commenced doses closes closed posts",
    "posted unveils authorizes secures secured signs signed initiates initiated presents provides schedules adopts",
    "extends amends receives received awarded selected inks submits reiterates withdraws terminates terminated",
    "discontinues publishes introduces acquisition ipo adr offering unusual option options insiders insider lawsuit",
    "strikes redeems refinances upgraded downgraded reiterated target added repurchases divests spins sues settles",
    "recalls licenses enrolls showcases teams",
)
"""What follows companies and hardly anything else."""

OF_A_COMPANY = _spread(
    "stake ceo cfo coo cto chief president chairman chair board executive director auditor holder unit subsidiary",
    "revenue sales profit loss results dividend deal takeover merger bid debt bonds drug vaccine therapy treatment",
    "candidate device alert sell inc corp",
)
"""Nouns that follow companies, and others as well."""

MOVES = _spread(
    "rise rises rose fall falls fell jump jumps soar soars slip slips drop drops edge edges surge surges climb climbs",
    "ease eases hold holds steady up down hit hits gain gains slide slides tumble tumbles plunge plunges spike spikes",
    "near rally rallies stabilize stay stays could may will are were remain set to in at as on this higher lower",
    "increase decline",
)
"""Behind "prices" they tell what a good did; a company prices its shares."""

AFTER_TO = _spread(
    "acquire be present participate report host release announce webcast attend buy sell cut raise launch join merge",
    "go pay invest file ring discuss hold publish begin start offer build supply provide expand open close exit",
    "replace issue appeal lay layoff recall delist redeem conduct showcase exhibit speak divest combine spin split",
    "effect resume commence develop deliver demonstrate highlight enter explore evaluate unveil introduce collaborate",
    "partner license",
)
"""Verbs of "to ...", as companies announce what they will do."""

BEFORE_NAME = _spread(
    "on of in for by at with from to and or vs versus against about after as than via like over under into between",
    "upgrades downgrades reiterates initiates maintains resumes acquire acquires buy buys sue sues why how is are does",
    "did will can could should has have when what while amid behind inside the but if not near per that which who",
    "charges charge fines probes approves clears rejects hits lifts says owner maker giant parent rival firm startup",
    "priced takes join joins beat beats back backs update exclusive breaking alert watch news investigates encourages",
    "reminds resumed reiterated initiated upgraded downgraded assumes assumed starts started names urges among plus",
    "stock company developer miner bank lender retailer chipmaker automaker airline carrier insurer broker operator",
    "provider supplier producer explorer drugmaker biotech driller utility builder manufacturer unit rivals spac",
    "including hikes lowers raises cuts adds sells merge tap taps meets pushes calls insiders where here because since",
)
"""What may stand before a name without being part of another."""

PLACING = _spread("in on at from by near into under over between inside behind around across")
"""They tell where: with a place or a person as well as with a company."""

OFFICERS = _spread("ceo cfo coo cto president chairman founder head board maker owner parent shares")
"""Before "of" they belong to a company."""

CHOOSES = _spread("picks selects chooses taps pays awards hires picked selected chose tapped adopts orders invests")
"""Before a name: the named one is chosen, and the news is its own."""

BIDS = _spread("bid bids offer takeover acquisition buyout purchase merger stake pursuit")
"""Before "for", "of" or "in" they belong to a company."""

JOINTLY = _spread(
    "team link extend sign partner agree join ink announce unveil form expand combine merge collaborate settle"
)
"""What two companies do together: "Plug Power, Uline Extend Deal"."""

WITH_IN = _spread("talks deal pact agreement partnership collaboration discussions negotiations merger")
"""What companies are in."""

RATED = _spread("on of at to over in acquire buy buying acquiring upgrades downgrades initiates rates")

RATINGS = _spread(
    "overweight underweight outperform underperform buy sell hold neutral perform weight coverage bullish bearish",
    "positive accumulate reduce",
)
"""Before "on" they rate who follows."""

TITLES = _spread(
    "minister senator sen rep congressman congresswoman governor gov mayor judge justice dr actor actress singer poet",
    "author painter coach pope bishop cardinal king queen prince princess saint gen adm capt lt sgt col ambassador",
    "envoy",
    "premier chancellor hurricane storm cyclone typhoon sheriff secretary lawmaker sir lady lord mr mrs ms emperor",
)
"""Right before a name they make it a person's or a storm's."""

COMPANY_TALK = _spread(
    "share shares stock stocks shareholder shareholders eps q1 q2 q3 q4 1q 2q 3q 4q earnings revenue revenues guidance",
    "offering dividend buyback repurchase fda quarter quarterly fiscal ipo acquisition acquire acquires merger",
    "takeover lawsuit investor investors analyst analysts forecast forecasts outlook patent clinical esmo asco topline",
    "notes trading halt halts halted delist delists delisted delisting uplist uplists uplisting trial drug financing",
    "endpoint endpoints placebo outperform underperform overweight underweight neutral nasdaq nyse inc corp sales "
    "upgrade upgrades upgraded",
    "downgrade downgrades downgraded initiate initiates initiated warrant warrants convertible convertibles placement",
    "proceeds shelf atm underwritten uplisted dilution dilutive buyout",
) | {
    "net income", "net loss", "net sales", "overall survival", "breakthrough designation", "fast track", "orphan drug",
    "registered direct", "strategic review", "special committee", "purchase order", "term loan", "equity line",
    "going concern", "substantial doubt", "short seller", "short report", "unusual options",
    "price target", "class action", "private placement", "reverse split", "phase 1", "phase 2", "phase 3", "phase i",
    "phase ii", "phase iii", "phase 2b", "phase 2a", "to participate", "to present", "to report", "to webcast",
}  # fmt: skip
"""Words and pairs of words of headlines that are about a company."""

BUSINESS_TALK = _spread(
    "million billion mln bln ceo cfo contract contracts deal order orders recall recalls layoff layoffs jobs plant",
    "plants factory unit customer customers platform partner partners partnership agreement chip chips acquired",
    "acquiring bid profit loss supply launch launches launched launching wages store stores workers employees stake ai",
    "collaborate collaborates collaboration license licenses licensing output production mine shipments",
) | {"data center"}
"""The same of headlines that are about business."""

OTHER_TALK = _spread(
    "voters cabinet ceasefire truce envoy tribe fossil fossils pope saint monastery pilgrims novel poet poetry painter",
    "painting sculptor opera ballet athlete sprinter cyclist goalkeeper midfielder hiker hikers climber climbers",
    "rescued",
    "died funeral princess prince throne refugees migrants asylum embassy diplomat diplomats rebels memoir",
    "inning innings playoff playoffs quarterback coach standings derby wimbledon marathon olympic olympics",
    "championship semifinal semifinals final finals mets hurdles medal governor mayor senate primary ballot election",
    "elections redistricting lawmaker lawmakers congress parliament minister museum festival earthquake wildfire",
    "wildfires hurricane tornado drought lottery cave astronomers actor actress singer concert film movie album oscar",
    "oscars arrested police killed dies church school student students tourist tourists volcano",
) | {"grand prix", "le mans", "tour de", "title race", "premier league"}
"""The same of headlines that are about neither."""

MODIFIES = _spread(
    "backed owned led style linked like funded controlled era branded themed inspired listed sponsored focused based "
    "tied",
    "exposed related affiliated only friendly made built powered run free heavy rich size sized shaped",
)
"""Behind a name and a hyphen they tell of somebody else: "Nvidia-backed"."""

COMPANIONS = _spread(
    "supplier suppliers rival rivals peer peers competitor competitors backer backers affiliate subsidiary contractor",
    "alum alumni cofounder veteran veterans challenger alternative lookalike copycat spinoff",
)
"""Behind a name they tell of somebody else: "Apple Supplier Luxshare"."""
