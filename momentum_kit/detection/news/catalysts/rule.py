"""Rule: one way in which headlines word a catalyst, and what a denial makes of it."""

import re
from dataclasses import dataclass

from momentum_kit.detection.news.catalysts.phrases import Phrases, phrases
from momentum_kit.models import Catalyst, Certainty, Direction


@dataclass(frozen=True, slots=True)
class Rule:
    """name: unique, what the journal shows. unless: a pattern whose presence anywhere voids the rule.

    about: the kind of event, where the catalyst is another (a regained compliance is about a delisting, a missed
    estimate about earnings). denied: the catalyst where the words around deny or end what the rule found; None where
    they do not matter. dilution: shares, or what turns into them, are sold.
    """

    name: str
    catalyst: Catalyst
    phrases: Phrases
    direction: Direction = Direction.NONE
    unless: re.Pattern[str] | None = None
    about: Catalyst | None = None
    denied: Catalyst | None = None
    certainty: Certainty = Certainty.DONE
    dilution: bool = False

    @property
    def topic(self) -> Catalyst:
        """The kind of event, whatever its trading class."""
        return self.about or self.catalyst

    def search(self, text: str) -> re.Match[str] | None:
        """Where the rule's words stand in a folded text in lower case; None if they do not, or what voids it does."""
        found = self.phrases.pattern.search(text)
        return None if found is None or (self.unless is not None and self.unless.search(text)) else found


def lifts(
    name: str, catalyst: Catalyst, *texts: str, unless: str = "", about: Catalyst | None = None, final: bool = False
) -> Rule:
    """A rule for what may lift a price; denied or ended it points down, unless it is final."""
    return Rule(
        name,
        catalyst,
        phrases(*texts),
        Direction.UP,
        unless=re.compile(unless) if unless else None,
        about=about,
        denied=None if final else Catalyst.ADVERSE,
    )
