"""What the words around a rule's finding make of it: denied, ended, only planned; and for how much money it is."""

import math
import re

from momentum_kit.detection.news.catalysts.phrases import MONEY
from momentum_kit.models import Certainty

_REACH = 45  # characters before and behind a finding in which its denial stands
_CLAUSE = re.compile(r"[;:,]|\b(?:and|but|after|as|while|to fund|to repay|to redeem|for general)\b")
_DENIES = re.compile(
    r"\b(?:not|never|no longer|no|without|denie[sd]|deny|denying|refut\w+|disput\w+|declin(?:es|"
    r"ed) to|rul(?:es|ed) out|dismiss(?:es|ed)|"
    r"reject(?:s|ed)?|nixes|vote[sd]? down)\b|n't\b"
)
_ENDS = re.compile(
    r"(?<!-)\b(?:withdr[ae]w\w*|withdrawal of|terminat\w+|cancel\w*|abandon\w*|scrap(?:s|ped|ping)?|"
    r"call(?:s|ed|ing) off|rescind\w*|revok\w+|"
    r"end(?:s|ed|ing)?|drop(?:s|ped)|pull(?:s|ed)|walk(?:s|ed) away|back(?:s|ed) (?:out|away)|"
    r"discontinu\w+|shelv\w+|los(?:es?|t|ing)|"
    r"remov(?:es|ed|al)|lift(?:s|ed|ing)?|releas(?:es|ed)|resolv\w+|repa(?:ys?|id|ying|yment)|"
    r"retir(?:es|ed|ement|ing)|redeem\w*|redemption|"
    r"repurchas\w+|extinguish\w*|pa(?:ys|id|ying) off|prepa(?:ys|id|yment)|eliminat\w+|settl(?:es?|ed|ing)|"
    r"matur(?:es|ed|ity)|kill(?:s|ed)|halt(?:s|ed)|"
    r"suspend\w*|postpon\w+|paus(?:es|ed)|block(?:s|ed)|expir\w+|collapse of|fails? to|unable to)\b"
)
_UNDONE = re.compile(
    r"^.{0,12}?\b(?:is |was |were |are |has been |have been |be |been |gets |got )?(?:not |"
    r"never )?(?:withdrawn|terminated|cancel?led|called off|"
    r"abandoned|scrapped|rescinded|revoked|denied|lifted|falls through|fell through|collapse[sd]?|"
    r"repaid|retired|redeemed|blocked|rejected|"
    r"removed|reversed|averted|avoided|expires?|expired|ended|is off|are off|paid off|in full repaid)\b|"
    r"^.{0,8}?['\"]?(?:(?:is|are|was|were|as) )?['\"]?(?:entirely |completely |totally |simply )?"
    r"(?:untrue|false|baseless|unfounded|incorrect|inaccurate)\b|^ (?:is|was|were|are) (?:not|"
    r"never)\b"
)
_RENEWED = re.compile(
    r"\b(?:start|launch|enter|sign|file|establish|announc|adopt|set)\w*(?: up| into)? (?:an? )?(?:new|larger|bigger|"
    r"fresh|"
    r"replacement|another)\b|\breplac(?:es|ed|ing) (?:it )?with\b"
)
_MONEY = re.compile(MONEY)
_SIGNS = ("$", "€", "£", "usd", "dollars")
_AMOUNT = re.compile(r"(\d[\d.,]*)\s?(million|billion|thousand|mln|bln|mm|bn|m|b|k)?")
_UNITS = {"thousand": 1e3, "k": 1e3, "billion": 1e9, "bln": 1e9, "bn": 1e9, "b": 1e9, None: 1.0}


def turned(text: str, begin: int, end: int) -> Certainty | None:
    """DENIED or ENDED where the words in the same clause say so, before the finding, in it, or right behind it."""
    before = _CLAUSE.split(text[max(0, begin - _REACH) : begin])[-1] + text[begin:end]
    if _DENIES.search(before):
        return Certainty.DENIED
    if _ENDS.search(before) or _UNDONE.search(text[end : end + _REACH]):
        return None if _RENEWED.search(text, end) else Certainty.ENDED  # one ends and the next begins
    return None


def amount_usd(text: str) -> float:
    """The largest amount of dollars in a text, not a price a share's; nan without one."""
    largest = math.nan
    if not any(sign in text for sign in _SIGNS):
        return largest
    for found in _MONEY.finditer(text):
        parts = _AMOUNT.search(found[0])
        if parts is None:
            continue
        try:
            value = float(parts[1].rstrip(".,").replace(",", "")) * _UNITS.get(parts[2], 1e6)
        except ValueError:  # 1.2.3
            continue
        if not largest >= value:
            largest = value
    return largest
