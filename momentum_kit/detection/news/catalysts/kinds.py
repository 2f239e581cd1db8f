"""Rules for the kind of a text, where it is no news of a company: advertisements, lists, recaps, comments."""

import re

from momentum_kit.detection.news.catalysts.commentary import COMMENTARY
from momentum_kit.detection.news.catalysts.law_firms import SOLICITATION
from momentum_kit.detection.news.catalysts.phrases import Phrases, phrases
from momentum_kit.detection.news.catalysts.recaps import MOVED, RECAPS
from momentum_kit.detection.news.catalysts.rule import Rule
from momentum_kit.models import Catalyst

_ASKED = Phrases(re.compile(r"\?['\"]?$"), frozenset())

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
            f"( futures)? … ({MOVED}|points|gain|edge|edges|flat|mixed|ends|closes|opens|record|set to)",
            "^(stock |index |equity )?futures",
            f"^(wall street|stocks|markets|equities) … ({MOVED}|edge|edges|mixed|drift*|open|end|ends|close|"
            "closes|ahead|before|as)",
            f"^(crude|oil|wti|brent|gold|silver|copper|natural gas|treasury|yields|dollar|bitcoin|"
            f"ethereum) … ({MOVED}|settle*)",
            "^(fed|fomc|federal reserve|powell|ecb|boj|bank of)",
            "(us|u.s.) … (retail sales|consumer|cpi|ppi|gdp|payrolls|jobless|"
            "inflation|unemployment|pmi|housing|factory|home sales|durable|manufacturing|trade deficit|"
            "industrial production)",
            "(jobless claims|nonfarm payrolls|consumer (confidence|sentiment)|fear (&|and) greed)",
        ),
    ),
    *RECAPS,
    *COMMENTARY,
    Rule("a question", Catalyst.RECAP, _ASKED),  # who asks tells nothing new
)
