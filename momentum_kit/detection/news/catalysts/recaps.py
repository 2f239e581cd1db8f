"""Rules for recaps: texts that tell of a move already made, of its size or of its reasons."""

import re
from dataclasses import dataclass

from momentum_kit.detection.news.catalysts.phrases import Phrases, phrases
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.models import Catalyst, Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """The words of a move up or down.

    moved: of any size. sharply, slowly: alone, and only before what tells of a day. present: at a text's end. noun:
    behind a per cent.
    """

    direction: Direction
    moved: str
    sharply: str
    slowly: str
    present: str
    doubled: str
    noun: str
    level: str


_WAYS = (
    _Way(
        direction=Direction.UP,
        moved=(
            "soar*|jump*|surg*|skyrocket*|rocket*|rally|rallies|rallied|rallying|climb*|pop|pops|popped|spike*|spiking|"
            "gap up|gaps up|gain|gains|gained|gaining|rise|rises|rising|rose|doubles|doubled|triples|tripled|quadrupl*|"
            "bounc*|rebound*|rip|rips|ripping|squeez*|leap*|zoom*|explod*|advanc*|up|higher|shoot*|fly|flying|flies"
        ),
        sharply=(
            "soar*|jumps|jumped|jumping|surges|surged|surging|skyrocket*|rockets|rocketed|rallies|rallied|leaps|"
            "spikes|pops|"
            "climbs|shoots up"
        ),
        slowly="rises|gains|advances|rebounds|bounces|runs|rallied|gained|rose",
        present="soaring|surging|rallying|skyrocketing|spiking|climbing",
        doubled="doubled|tripled|quadrupled",
        noun="run|rally|surge|gain|jump|move|rise|spike",
        level="higher|up",
    ),
    _Way(
        direction=Direction.DOWN,
        moved=(
            "plung*|tumbl*|sink|sinks|sinking|sank|drop|drops|dropped|dropping|fall|falls|fell|falling|slid|slide|"
            "slides|"
            "sliding|shed|sheds|shedding|halves|halved|losing|slump*|crash*|plummet*|dive|dives|diving|tank|tanks|"
            "tanking|"
            "tanked|declin*|crater*|nosediv*|gap down|gaps down|slip|slips|slipped|slipping|dip|dips|dipped|down|lower|"
            "stumbl*|retreat*|lose|loses"
        ),
        sharply="plung*|tumbl*|plummet*|crashed|crashes|tank|tanks|tanked|sinks|sank|slumps|slumped|slides|nosediv*",
        slowly="falls|drops|slips|dips|declines|retreats|sheds|fell|dropped|slipped|sells off",
        present="plunging|tumbling|sinking|crashing|sliding|tanking",
        doubled="halved",
        noun="drop|plunge|slide|fall|decline",
        level="lower|down",
    ),
)
_SESSIONS = (
    "today|premarket|pre-market|after hours|midday|intraday|this morning|this afternoon|(early|late|morning|afternoon|"
    "extended) trading|at the (open|close)|(before|after) the bell"
)
MOVED = "|".join(way.moved for way in _WAYS)
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
_SIGNED = Phrases(re.compile(r"[+-](?<![\w.%-].)\d[\d.]{0,6}%"), frozenset("0123456789"))

RECAPS: tuple[Rule, ...] = (
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
            f"why (is|are|did|was|were|it|this|the)? … (stock|shares|moving|trading|today|{MOVED})",
            "(what's|what is|what was|what has) (going on|happening|driving|behind|up with|moving|lifting|boosting)",
            "what happened (with|to|at)",
            "what you (need|should) (to )?know",
            "what (investors|traders) (need|should) (to )?know",
            "(what's|what is|what has) (been )?(eating|ailing|weighing|wrong|dragging|hurting|helping|fueling|sparking|"
            "pushing|pressuring|moving|sinking|pulling)",
            "(here's|here is) (what|why|how)",
            "(meme|retail) (stock )?(rally|frenzy|craze|mania|surge)",
            f"reason* … (moving|{MOVED})",
            f"what (moved|moves|drove|drives|sent|sends|lifted|lifts|sank|hit|boosted|is moving|is driving|is "
            f"lifting) … "
            f"(stock|shares|{MOVED})",
            "(stock|stocks|shares|share) (move |price |news |mover )?(alert|recap|movement)",
            "recap",
            "(levels|level) to watch",
            "on (track|pace) for … (best|worst|biggest|largest|week|month|day|gain|loss)",
            "(today's|day's|big|biggest|monday's|tuesday's|wednesday's|thursday's|friday's) (big |biggest |top "
            ")?(winner*|loser*|"
            "mover*|gainer*)",
            "hot (name|names)",
            "(halts|snaps|ends|breaks) … (slide|rally|skid|streak|losing|winning)",
            "(wild|volatile|choppy|rough) (open|trading|start)",
            "extend* … (run|slide|surge|climb|rout|skid|winning streak)",
            "(closes|finishes|ends|ended|closed) at (a )?(high|highs|low|lows|session|record)",
            "in (the )?(news|play):",
            "(second|third|fourth|fifth|sixth|#) (straight |consecutive )?(day|session|week) of (gains|losses|"
            "declines)",
            "(timeline|explained|squeeze)$",
            "(short|gamma) squeeze",
            "squeeze (has|sends|lifts|drives|continues)",
            "(erases|erase|pares|trims|gives back|give back|gave back|holds) … (gain|loss|advance|rally|pop|spike)",
            "why … (is|are) (moving|up|down|active|hot|trending|higher|lower|soaring|falling|rising)",
            "(wild|big|rough|volatile|huge|crazy|bumpy) (week|day|ride|month|session)",
            "(gives back|gave back|adds to|builds on|gives up) … (gain|gains|advance|rally|loss)",
            "(traders|investors|buyers|bulls) (chase|chases|chasing)",
            "limit (up|down)",
            "(in motion|on fire|on a tear|in free fall|in freefall|in charge|takes off|took off|cools off|runs out "
            "of steam)",
            "(look|looking) back",
            "(after|at|before) the (bell|open|close):",
            "(premarket|pre-market|after hours|midday|morning|afternoon|early|late|opening) (leaders|laggards|"
            "gainers|losers|"
            "movers|winners|action|buzz|check)",
            "what (wall street|the street|analysts|traders|investors) (makes|make|thinks|think|say|says) of",
            "(crowd|traders|buyers|shorts|bulls|bears|investors) (send|sends|sent|push*|bid|bids|drive*|lift*|"
            "pummel*|punish*|"
            "reward*)",
            "(spikes|pops|jumps|soars|surges|rises|rallies), (then|but) (fades|falls|drops|reverses|slides|retreats|"
            "fizzles)",
            "(breaks out|breaking out|breakout|broke out)",
            "(fizzle*|round trip*|roller coaster)",
            "(driving|behind|drove|fuel*) … (rally|move|surge|jump|drop|"
            "plunge|decline|spike|gains|sell-off|selloff|run)",
        ),
    ),
    *(
        Rule(
            f"moved {way.direction}",
            Catalyst.RECAP,
            phrases(
                f"(shares|stock|stocks|share price|stock price|adrs) (is |are |was |were |has |have |continue to |"
                f"continues to )?"
                f"{_ADVERB}(trading |trade |move |moving |moved |moves |traded |been )?{_ADVERB}({way.moved})",
                f"shares of … ({way.moved})",
                f"stock (is|are) … ({way.moved})",
                f"(trading|trades|moves|moving) {_ADVERB}(about |around |over |nearly |as much as )?(#% "
                f")?({way.level})",
            ),
            way.direction,
        )
        for way in _WAYS
    ),
    *(
        Rule(
            f"ran {way.direction}",
            Catalyst.RECAP,
            phrases(
                f"({way.moved}) (by |more than |over |nearly |about |almost |around |as much as |another |roughly |"
                f"as high as )?#( percent|%)",
                "(up|down) (big|sharply|strongly|nearly threefold|threefold|twofold)",
                f"(moves|moved|ends|ended|closes|closed|opens|opened|adds|added|trades|trading) (#% |up |down |"
                f"the day |the week )?({way.level}|#%|#% {way.level})",
                f"({way.sharply}) (on|after|as|following|amid|premarket|pre-market|in|to|today|for|despite|over|more)",
                f"({way.sharply}|{way.slowly}) (most|the most) (since|in|ever)",
                f"({way.slowly}|{way.sharply}|up|down|higher|lower);",
                f"(nearly |almost |more than )?(doubles|triples|quadruples|{way.doubled}) (on|after|as|since|"
                f"following|this) … ",
                f"({way.sharply}|{way.present})$",
                f"({way.slowly}) (sharply|strongly|steeply|hard|again|anew|further|early|late|after hours|premarket|"
                f"pre-market|"
                f"today|for (a )?(second|third|fourth|fifth|sixth|seventh|#)|(on|after|as|following|amid) )",
                f"#% ({way.noun})",
                f"({way.moved}) (off|from|to) (its |a |the )?(record|high|highs|low|lows|peak|lowest|highest)",
                "(lowest|highest) (since|level|in|point|ever|close|price)",
                "momentum (builds|continues|fades|slows|grows)",
                "(lead|leads|leading|pace|paces) … (gains|gainers|losers|losses|decliners|advancers|higher|lower|"
                "rally|selloff)",
                "(loses|lost|sheds|shed|wipes out) (a |about |nearly |almost |over |more than )?(third|half|quarter|"
                "most|"
                "two thirds|#%) (of )?(its |their )?(market )?value",
                "(up|down|higher|lower) on (the )?(day|week|month|session|year)",
                "turns (higher|lower|positive|negative|red|green)",
                f"(has|have) (nearly |more than |almost )?({way.doubled}) … (in|since|this|over|from|year)",
                f"({way.doubled}) (in|since|this|over) (a |the |two |three |past |last |less |january|february|march|"
                f"april|may|"
                f"june|july|august|september|october|november|december|week|month|year)",
            ),
            way.direction,
            unless=_MEASURED.pattern,
        )
        for way in _WAYS
    ),
    *(
        Rule(
            f"moved {way.direction} in a session",
            Catalyst.RECAP,
            phrases(f"({way.moved}) … ({_SESSIONS})", f"({_SESSIONS}) … ({way.moved})"),
            way.direction,
            unless=_MEASURED.pattern,
        )
        for way in _WAYS
    ),
    *(  # a size and a session beyond doubt: what else is measured in the text does not matter
        Rule(
            f"moved {way.direction} outside hours",
            Catalyst.RECAP,
            phrases(
                f"({way.moved}|off) (by |about |nearly |over |more than |as much as )?#% (in |during )?(the )?"
                "(premarket|pre-market|after hours|postmarket|post-market|extended|early trad*|late trad*)"
            ),
            way.direction,
        )
        for way in _WAYS
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
            "in the (green|red)",
        ),
    ),
)
