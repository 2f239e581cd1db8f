"""Rules for the kind of a text, where it is no news of a company: advertisements, lists, recaps of a move, comments."""

import re

from momentum_kit.detection.news.catalysts.commentary import COMMENTARY
from momentum_kit.detection.news.catalysts.law_firms import SOLICITATION
from momentum_kit.detection.news.catalysts.phrases import Phrases, phrases
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.models import Catalyst, Direction

_UP = (
    "soar*|jump*|surg*|skyrocket*|rocket*|rally|rallies|rallied|rallying|climb*|pop|pops|popped|spike*|spiking|"
    "gap up|gaps up|gain|gains|gained|gaining|rise|rises|rising|rose|doubles|doubled|triples|tripled|quadrupl*|"
    "bounc*|rebound*|rip|rips|ripping|squeez*|leap*|zoom*|explod*|advanc*|up|higher|shoot*|fly|flying|flies"
)
_DOWN = (
    "plung*|tumbl*|sink|sinks|sinking|sank|drop|drops|dropped|dropping|fall|falls|fell|falling|slid|slide|slides|"
    "sliding|shed|sheds|shedding|halves|halved|losing|slump*|crash*|plummet*|dive|dives|diving|tank|tanks|tanking|"
    "tanked|declin*|crater*|nosediv*|gap down|gaps down|slip|slips|slipped|slipping|dip|dips|dipped|down|lower|"
    "stumbl*|retreat*|lose|loses"
)
_UP_SHARPLY = (
    "soar*|jumps|jumped|jumping|surges|surged|surging|skyrocket*|rockets|rocketed|rallies|rallied|leaps|spikes|pops|"
    "climbs|shoots up"
)
_DOWN_SHARPLY = "plung*|tumbl*|plummet*|crashed|crashes|tank|tanks|tanked|sinks|sank|slumps|slumped|slides|nosediv*"
_UP_SLOWLY = "rises|gains|advances|rebounds|bounces|runs|rallied|gained|rose"
_DOWN_SLOWLY = "falls|drops|slips|dips|declines|retreats|sheds|fell|dropped|slipped|sells off"
_MOVED = f"{_UP}|{_DOWN}"
_SHARPLY = f"{_UP_SHARPLY}|{_DOWN_SHARPLY}"
_ADVERB = "(sharply |slightly |notably |modestly |further |now |still |also |just |big |significantly )?"
_MEASURED = phrases(
    # what may rise or fall beside a share
    "(revenue*|revs|sales|profit*|income|eps|earnings|orders|deliver*|bookings|margin*|dividend*|"
    "production|traffic|"
    "users|subscribers|shipments|comps|backlog|ebitda|guidance|outlook|forecast|target|stake|volumes|"
    "demand|output|"
    "tumor*|hospital*|patient*|mortality|survival|registrations|costs|prices|exports|loss|losses|"
    "turnover|aum|nav|"
    "(retail|sales|transaction|shipment|order|delivery|passenger) volume|gmv|arr|"
    "workforce|headcount|salaries|premiums|rates|capacity|passenger*|same store|comparable|q1|q2|q3|"
    "q4|rev)"
)


_SHARES_SIGNED = Phrases(
    re.compile(r"\b(?:shares?|stock|adrs?|adss?)(?: (?:is|are|now))? [+-]\d[\d.]{0,6}%"),
    frozenset({"share", "shares", "stock", "adr", "ads"}),
)
_SIGNED = Phrases(re.compile(r"(?<![\w.%-])[+-]\d[\d.]{0,6}%"), frozenset("0123456789"))

KINDS: tuple[Rule, ...] = (
    SOLICITATION,
    Rule(
        "round-up",
        Catalyst.ROUNDUP,
        phrases(
            "^(top |the )?(#|three|four|five|six|seven|eight|nine|ten|several|these) … (stocks|movers|"
            "gainers|losers|etfs|names|picks)",
            "these (#|two|three|four|five|six|seven|eight|nine|ten) (\\w+ )?(stocks|names|shares|companies|picks)",
            "(initiations|upgrades|downgrades|gainers|losers|decliners|advancers|movers|winners|highs|lows):",
            "(percentage|percent|price|volume) (gainers|losers|decliners|advancers|leaders)",
            "among … (gainers|losers|decliners|advancers|movers)",
            "(stocks|movers|gainers|losers|decliners|gappers|shares|equities|small caps) (to watch|moving|"
            "on the move|making)",
            "(top|biggest|largest|midday|mid-day|premarket|pre-market|after-hours|early|morning|afternoon|"
            "notable|big) … "
            "(movers|gainers|losers|decliners|advancers|stories|upgrades|downgrades)",
            "stocks (that|which|in focus|trending|gaining|with|hitting|trading)",
            "(trending|hot|penny) stocks",
            "earnings (scheduled|calendar)",
            "(upgrades|initiations) … downgrades",
            "new (highs|lows)",
            "52 week (highs|lows)",
            "(market|markets|sector|week in|daily|weekly) (wrap|update|roundup|round-up|recap|movers|close|"
            "snapshot|summary|"
            "preview|clubhouse|"
            "open|minute|briefing)",
            "on the fly",
            "most (active|shorted|searched|traded)",
            "morning (brief|memo|movers|note|call)",
            "here are … stocks",
            "whale alerts",
            "(gainers|advancers) (and|&) (losers|decliners)",
            "stocks … (here's|this week|for monday|for tuesday|for wednesday|for thursday|for friday)",
            "movers:",
            "(roundup|round-up)",
            "gapping (up|down)",
            "movers (and|&) shakers",
            "biggest movers",
            "(top|best|worst) # … (stocks|initiations|upgrades|downgrades|picks|names)",
            "notable (gainers|losers|movers|open)",
            "(early|premarket|pre-market) gappers",
            "hot stocks",
            "(stocks|names) … (rocket|crash|explode|collapse)",
            "(us|u.s.|european|asian|asia) (stocks|shares|markets|equities)",
        ),
    ),
    Rule(
        "market",
        Catalyst.ROUNDUP,
        phrases(
            "^(the |us |u.s. )?(dow|s&p 500|s&p|nasdaq|nasdaq composite|nasdaq 100|russell 2000|"
            "djia)( industrials| jones)?"
            f"( futures)? … ({_MOVED}|points|gain|edge|edges|flat|mixed|ends|closes|opens|record|set to)",
            "^(stock |index |equity )?futures",
            f"^(wall street|stocks|markets|equities) … ({_MOVED}|edge|edges|mixed|drift*|open|end|ends|close|"
            "closes|ahead|before|as)",
            f"^(crude|oil|wti|brent|gold|silver|copper|natural gas|treasury|yields|dollar|bitcoin|"
            f"ethereum) … ({_MOVED}|settle*)",
            "^(fed|fomc|federal reserve|powell|ecb|boj|bank of)",
            "(us|u.s.) … (retail sales|consumer|cpi|ppi|gdp|payrolls|jobless|"
            "inflation|unemployment|pmi|housing|factory|home sales|durable|manufacturing|trade deficit|"
            "industrial production)",
            "(jobless claims|nonfarm payrolls|consumer (confidence|sentiment)|fear (&|and) greed)",
        ),
    ),
    Rule(
        "hindsight",
        Catalyst.RECAP,
        phrases(
            "{money} invested",
            "if you (had )?(invested|bought|put)",
            "would (now )?be worth",
            "you would have",
            "you'd have",
            "invested … years ago",
            "how much … (would|you'd) (have|be)",
        ),
    ),
    Rule(
        "why it moved",
        Catalyst.RECAP,
        phrases(
            f"why (is|are|did|was|were|it|this|the)? … (stock|shares|moving|trading|today|{_MOVED})",
            "(what's|what is|what was|what has) (going on|happening|driving|behind|up with|moving|lifting|boosting)",
            "what happened (with|to|at)",
            "what you (need|should) (to )?know",
            "what (investors|traders) (need|should) (to )?know",
            "(here's|here is) (what|why)",
            f"reason* … (moving|{_MOVED})",
            f"what (moved|moves|drove|drives|sent|sends|lifted|lifts|sank|hit|boosted|is moving|is driving|is lifting) … "
            f"(stock|shares|{_MOVED})",
            "(stock|stocks|shares|share) (move |price |news |mover )?(alert|recap|movement)",
            "recap",
            "(levels|level) to watch",
            "(breaks out|breaking out|breakout|broke out)",
            "(fizzle*|round trip*|roller coaster)",
            "(driving|behind|drove|fuel*) … (rally|move|surge|jump|drop|"
            "plunge|decline|spike|gains|sell-off|selloff|run)",
        ),
    ),
    *(
        Rule(
            f"moved {direction}",
            Catalyst.RECAP,
            phrases(
                f"(shares|stock|stocks|share price|stock price|adrs) (is |are |was |were |has |have |continue to |"
                f"continues to )?"
                f"{_ADVERB}(trading |trade |move |moving |moved |moves |traded |been )?{_ADVERB}({moved})",
                f"shares of … ({moved})",
                f"stock (is|are) … ({moved})",
                f"(trading|trades|moves|moving) {_ADVERB}(about |around |over |nearly |as much as )?(#% )?({level})",
            ),
            direction,
        )
        for direction, moved, level in ((Direction.UP, _UP, "higher|up"), (Direction.DOWN, _DOWN, "lower|down"))
    ),
    *(
        Rule(
            f"ran {direction}",
            Catalyst.RECAP,
            phrases(
                f"({moved}) (by |more than |over |nearly |about |almost |around |as much as |another |roughly |"
                f"as high as )?#( percent|%)",
                "(up|down) (big|sharply|strongly|nearly threefold|threefold|twofold)",
                f"(moves|moved|ends|ended|closes|closed|opens|opened|adds|added|trades|trading) (#% |up |down |"
                f"the day |the week )?({level}|#%|#% {level})",
                f"({sharply}) (on|after|as|following|amid|premarket|pre-market|in|to|today|for|despite|over|more)",
                f"({slowly}) (sharply|strongly|steeply|hard|again|anew|further|early|late|after hours|premarket|pre-market|"
                f"today|for (a )?(second|third|fourth|fifth|sixth|seventh|#)|(on|after|as|following|amid) )",
                f"#% ({noun})",
                f"(has|have) (nearly |more than |almost )?({doubled}) … (in|since|this|over|from|year)",
                f"({doubled}) (in|since|this|over) (a |the |two |three |past |last |less |january|february|march|april|may|"
                f"june|july|august|september|october|november|december|week|month|year)",
            ),
            direction,
            unless=_MEASURED.pattern,
        )
        for direction, moved, sharply, slowly, doubled, noun, level in (
            (
                Direction.UP,
                _UP,
                _UP_SHARPLY,
                _UP_SLOWLY,
                "doubled|tripled|quadrupled",
                "run|rally|surge|gain|jump|move|rise|spike",
                "higher|up",
            ),
            (
                Direction.DOWN,
                _DOWN,
                _DOWN_SHARPLY,
                _DOWN_SLOWLY,
                "halved",
                "drop|plunge|slide|fall|decline",
                "lower|down",
            ),
        )
    ),
    Rule("shares with a sign", Catalyst.RECAP, _SHARES_SIGNED),
    Rule("per cent with a sign", Catalyst.RECAP, _SIGNED, unless=_MEASURED.pattern),
    Rule(
        "new high or low",
        Catalyst.RECAP,
        phrases(
            "52 week (high|low)",
            "all time (high|low)",
            "(record|multi-year|fresh|new|year) (high|low)",
            "extend* (its |their )?(gains|losses|rally|rise|slide|decline|winning|losing)",
            "(premarket|pre-market|after hours|intraday) (gain|gains|move|moves|rally|surge|jump|movers|spike)",
            "short squeeze",
            "(after|on|following|amid|discusses|despite|extends) (yesterday's|monday's|tuesday's|wednesday's|"
            "thursday's|friday's|last week's|last night's|this morning's|this week's|earlier|today's)",
            "(trades|trading|trade|inches|inching|ticks|ticking|edges|edging|creeps|drifts|grinds|"
            "trends) (higher|lower|up|down)",
            "(strength|weakness) (attributed|in|on|continues|persists)",
            "(attributed|attributing) … (move|strength|weakness|gain|drop|decline)",
            "(no|without) (fresh |apparent |company |specific |new )?(news|catalyst) (to|for|behind)",
            "(for|on) (a )?(second|third|fourth|fifth|sixth|seventh|#) (straight|consecutive) (day|session|week)",
            "off (session|intraday|its|the) (lows|highs)",
            "selling pressure",
            "buying interest",
            "(session|intraday|day|week|month|year|decade|multi-year|two-year|five-year|lifetime) (high|"
            "highs|low|lows)",
            "(erases|erase|pares|trims|gives back|holds|adds to|builds on|extends) … (gains|losses|rally|"
            "advance|decline)",
            "(best|worst|biggest|largest) … (day|week|month|gain|drop|decline|rally|advance|percentage|"
            "percent|one day) (since|in|ever|of|increase|decrease)",
            "(rally|climb|slide|surge|selloff|sell-off|run|momentum|decline|slump|rout) (continues|continue|"
            "deepens|extends|accelerates|fades|resumes|stalls)",
            "continues … (climb|rally|slide|rise|surge|run|decline|slump)",
            "(unusual|heavy|high|massive|huge|elevated|record) (trading )?volume",
            "(tops|leads|among|top|biggest|list of) … (gainers|losers|decliners|advancers)",
            "(wild ride|rollercoaster|roller coaster)",
            "(under|feels|feeling) pressure",
            "(traders|investors|shorts) (pile|cheer*|flock*|dump*|flee|cover*|rush*|love|shrug)",
            "what sent",
            "sent … (soaring|flying|higher|lower|tumbling|plunging|surging)",
            "(sell-off|selloff)",
            "(on|makes) the move",
            "(trending|viral) on",
            "after (a )?(two|three|four|#) day (surge|rally|run|slide)",
            "market cap … (tops|surpass*|crosses|hits|loses|falls|wiped|shed*)",
            "(shares|stock) (volatile|whipsaw*|swing|swings|active)",
            "(higher|lower) (after|on|following|as|amid|in|premarket|pre-market)",
            "(rebounds|bounces|recovers|snaps) … (after|from|losses|losing|streak)",
            "halts … rally",
        ),
    ),
    *COMMENTARY,
)
