"""Reading the news, pure: from a raw headline to its story, its companies and its catalyst."""

from momentum_kit.detection.news.agreement import disagreement, exchange_family, same_company
from momentum_kit.detection.news.bodies import BodyFindings, BodyKind, leaves_open, read_body
from momentum_kit.detection.news.catalysts import STRENGTH, CatalystMatch, classify, coarse_label
from momentum_kit.detection.news.companies import Companies, find_companies
from momentum_kit.detection.news.headlines import CleanHeadline, clean_headline, normalise, out_of_time, story_id
from momentum_kit.detection.news.named_text import RefusedName
from momentum_kit.detection.news.reading import ReadHeadline, read_headline
from momentum_kit.detection.news.sameness import StoryKind
from momentum_kit.detection.news.stories import UPDATED_WITHIN, Hearing, StoryMemory, Telling, bars_later, same_story
from momentum_kit.detection.news.symbol_master import COLUMNS, ListedName, SymbolMaster
from momentum_kit.detection.news.symbols import MatchLayer, Mention, distinctive_words, name_agrees

__all__ = [
    "COLUMNS",
    "STRENGTH",
    "UPDATED_WITHIN",
    "BodyFindings",
    "BodyKind",
    "CatalystMatch",
    "CleanHeadline",
    "Companies",
    "Hearing",
    "ListedName",
    "MatchLayer",
    "Mention",
    "ReadHeadline",
    "RefusedName",
    "StoryKind",
    "StoryMemory",
    "SymbolMaster",
    "Telling",
    "bars_later",
    "classify",
    "clean_headline",
    "coarse_label",
    "disagreement",
    "distinctive_words",
    "exchange_family",
    "find_companies",
    "leaves_open",
    "name_agrees",
    "normalise",
    "out_of_time",
    "read_body",
    "read_headline",
    "same_company",
    "same_story",
    "story_id",
]
