"""Invents the companies of a sample and writes their headlines in IB's own formats; market_sample.py calls it."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from momentum_kit.models import Contract, Headline
from momentum_kit.simgateway.embedding import (
    FIRST_CON_ID,
    SMALL_CAPS,
    Company,
    Instrument,
    PlannedStory,
    compose_headline,
    headline_metadata,
    story_hash,
)
from momentum_kit.storage.archive import Listing

PROVIDERS = ("BRFG", "BRFUPDN", "DJ-N", "DJ-RT", "DJNL")
THEMES = {"quiet": "neutral", "offering": "offering"}
"""What a headline of a kind is about; every other kind is good news."""
CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"


def company(index: int) -> Company:
    """The index-th invented company; beyond the list of the simulated gateway the names are put together."""
    if index < len(SMALL_CAPS):
        symbol, name, industry, category, product = SMALL_CAPS[index]
    else:
        symbol = _letters(index)
        name, industry, category = f"{symbol.title()}ar Holdings Inc", "Industrial", "Holding Companies"
        product = f"the {symbol.title()} line"
    instrument = Instrument(
        con_id=FIRST_CON_ID + index,
        symbol=symbol,
        long_name=name.upper(),
        trading_class="SCM",
        industry=industry,
        category=category,
        subcategory=category,
    )
    return Company(
        instrument=instrument,
        product=product,
        price=5.0,
        daily_volume=1_000_000,
        spread_bps=30.0,
        daily_sigma=0.04,
        print_shares=150.0,
        small=True,
    )


def listing(listed: Company) -> Listing:
    """The company's line in the symbol master."""
    known = listed.instrument
    return Listing(
        symbol=known.symbol,
        con_id=known.con_id,
        name=known.long_name,
        primary_exchange=known.primary_exchange,
        stock_type=known.stock_type,
        industry=known.industry,
        category=known.category,
        subcategory=known.subcategory,
    )


def write(
    kind: str, listed: Company, price: float, rng: np.random.Generator, published: datetime, received: datetime
) -> Headline:
    """One headline of a kind as tickNews carries it: no prefix, metadata in `extra`."""
    provider = str(rng.choice(PROVIDERS))
    text = compose_headline(PlannedStory(THEMES.get(kind, "planted"), replace(listed, price=price)), provider, rng)
    known = listed.instrument
    contract = Contract(known.symbol, known.con_id, primary_exchange=known.primary_exchange)
    return Headline(
        provider=provider,
        article_id=f"{provider}${story_hash(rng)}",
        text=text,
        published_at=published,
        received_at=received,
        extra=headline_metadata(rng),
        contract=contract,
    )


def _letters(index: int) -> str:
    """Five consonants, different for every index: no symbol of the list above has so many."""
    number, letters = index * 9973 % len(CONSONANTS) ** 4, "X"
    for _ in range(4):
        number, digit = divmod(number, len(CONSONANTS))
        letters += CONSONANTS[digit]
    return letters
