"""Who is listed in the generated market: invented companies with seeded traits, and AAPL as recorded."""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from momentum_kit.simgateway.instrument import SUB_DOLLAR_TICK, Instrument
from momentum_kit.simgateway.scenario import Scenario, SymbolSpec

AAPL = Instrument(con_id=265598, symbol="AAPL", long_name="APPLE INC", isin="US0378331005")
FIRST_CON_ID = 910_000_001  # above what IB has given out, so that an invented contract is never a real one

# symbol, company, industry, category, what it sells; all invented
SMALL_CAPS = (
    ("VYRX", "Vyrexa Therapeutics Inc", "Consumer, Non-cyclical", "Biotechnology", "VX-204"),
    ("QLMB", "Quillambia Biosciences Inc", "Consumer, Non-cyclical", "Biotechnology", "QLB-11"),
    ("ZNTQ", "Zentiqua Pharma Corp", "Consumer, Non-cyclical", "Pharmaceuticals", "zentiquamab"),
    ("OBRV", "Obriva Oncology Inc", "Consumer, Non-cyclical", "Biotechnology", "OBV-7"),
    ("KTHX", "Kethrix Medical Corp", "Consumer, Non-cyclical", "Healthcare-Products", "the Kethrix Pulse catheter"),
    ("NRVQ", "Nervaquil Devices Inc", "Consumer, Non-cyclical", "Healthcare-Products", "the NervaBand monitor"),
    ("DSPL", "Dasplen Genomics Inc", "Consumer, Non-cyclical", "Biotechnology", "DSP-330"),
    ("HYLQ", "Hylaquest Health Corp", "Consumer, Non-cyclical", "Healthcare-Services", "the Hyla home test"),
    ("MRXO", "Marxolo Robotics Inc", "Industrial", "Machinery-Diversified", "the Oloarm picker"),
    ("TVRK", "Tavarok Aerospace Inc", "Industrial", "Aerospace/Defense", "the TK-9 drone"),
    ("BLZQ", "Blazquon Defense Systems Inc", "Industrial", "Aerospace/Defense", "the Quon radar"),
    ("CRVY", "Corvayne Marine Corp", "Industrial", "Transportation", "its Corvayne tugs"),
    ("PLVX", "Polvexa Semiconductor Inc", "Technology", "Semiconductors", "the PX3 photonic chip"),
    ("GRNQ", "Grenquist Software Inc", "Technology", "Software", "the Quist billing engine"),
    ("XLBR", "Xalibre Networks Inc", "Technology", "Telecommunications", "the Libre router"),
    ("SYLQ", "Syloquent Data Corp", "Technology", "Software", "the Syloquent voice platform"),
    ("FTHM", "Fathomire Sensors Inc", "Technology", "Electronics", "the Mire lidar"),
    ("WQNT", "Waquentia Quantum Inc", "Technology", "Computers", "its 96-qubit processor"),
    ("EVLQ", "Evaliq Motors Inc", "Consumer, Cyclical", "Auto Manufacturers", "the Evaliq city van"),
    ("JRBO", "Jerboa Brands Inc", "Consumer, Cyclical", "Retail", "Jerboa Trail shoes"),
    ("SNKR", "Sunkora Foods Inc", "Consumer, Non-cyclical", "Food", "Sunkora oat drinks"),
    ("PLTZ", "Plantaza Kitchens Corp", "Consumer, Cyclical", "Retail", "Plantaza franchises"),
    ("AUVL", "Auvelle Gold Corp", "Basic Materials", "Mining", "the Auvelle North deposit"),
    ("LTHQ", "Lithaquin Resources Inc", "Basic Materials", "Mining", "the Salar Quin project"),
    ("URNV", "Uranovia Energy Corp", "Energy", "Mining", "the Novia mill"),
    ("HDRG", "Hydrogenica Power Inc", "Energy", "Energy-Alternate Sources", "the HG-50 electrolyser"),
    ("SLRX", "Solarexa Grid Corp", "Energy", "Energy-Alternate Sources", "the Rexa inverter"),
    ("BTQR", "Betaquar Storage Inc", "Energy", "Energy-Alternate Sources", "the Quar grid battery"),
    ("CHQN", "Chainquon Digital Inc", "Financial", "Diversified Financial Services", "the Quon custody service"),
    ("PYVL", "Payvolta Holdings Inc", "Financial", "Diversified Financial Services", "Payvolta wallets"),
    ("LNDQ", "Lendaqua Capital Corp", "Financial", "Banks", "Lendaqua small-business loans"),
    ("OPTK", "Optekka Imaging Inc", "Technology", "Electronics", "the Tekka retinal camera"),
    ("RDMX", "Redamax Security Corp", "Technology", "Software", "the Redamax threat service"),
    ("TRQL", "Torquila Logistics Inc", "Industrial", "Transportation", "Torquila freight yards"),
    ("VLTQ", "Veltaquor Pharma Inc", "Consumer, Non-cyclical", "Pharmaceuticals", "VQ-18"),
    ("NBLX", "Nubelixa Cloud Inc", "Technology", "Software", "the Nubelixa archive"),
    ("GZRT", "Gozeret Wellness Corp", "Consumer, Non-cyclical", "Commercial Services", "Gozeret clinics"),
    ("MQTR", "Maqtara Materials Inc", "Basic Materials", "Chemicals", "Maqtara graphene film"),
    ("YLDN", "Yelduna Agritech Inc", "Basic Materials", "Chemicals", "the Yelduna seed coat"),
    ("KPRQ", "Kaperquil Games Inc", "Communications", "Internet", "the Kaper arena"),
)
LARGE_CAPS = (
    ("ORDW", "Orden Wexley Industries Inc", "Industrial", "Miscellaneous Manufacturer", "Wexley turbines"),
    ("TRNV", "Terranova Brightwell Inc", "Communications", "Internet", "Brightwell search"),
    ("HLBN", "Halberon National Corp", "Financial", "Banks", "Halberon accounts"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """An instrument and how its tape usually looks.

    price: USD at the day's open; daily_volume: shares on a median day; spread_bps: usual quoted spread;
    daily_sigma: standard deviation of daily log returns; print_shares: usual size of a print.
    """

    instrument: Instrument
    product: str
    price: float
    daily_volume: int
    spread_bps: float
    daily_sigma: float
    print_shares: float
    small: bool

    @property
    def tick(self) -> float:
        """Price step, USD."""
        return self.instrument.min_tick


def random_stream(seed: int, *names: object) -> np.random.Generator:
    """A random stream of its own for each name: what one consumer draws never shifts another's numbers."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def companies(scenario: Scenario) -> dict[int, Company]:
    """The scenario's companies by con_id; AAPL always, the rest in the seed's order."""
    specs = {spec.symbol: spec for spec in scenario.universe.symbols}
    order = random_stream(scenario.seed, "universe").permutation(len(SMALL_CAPS))
    rows = [SMALL_CAPS[row] for row in order[: scenario.universe.small_caps]]
    rows += LARGE_CAPS[: scenario.universe.large_caps]
    named = {row[0] for row in rows}
    known = {row[0]: row for row in SMALL_CAPS + LARGE_CAPS}
    rows += [
        known.get(symbol, (symbol, f"{symbol.title()} Holdings Inc", "Industrial", "Holding Companies", "its products"))
        for symbol in specs
        if symbol not in named and symbol != AAPL.symbol
    ]
    found = [_large(AAPL, "the iPhone", scenario.seed, specs.get(AAPL.symbol), price=272.0, volume=45_000_000)]
    for row in rows:
        instrument = _instrument(row)
        spec = specs.get(row[0])
        found.append(
            _large(instrument, row[4], scenario.seed, spec)
            if row in LARGE_CAPS
            else _small(instrument, row[4], scenario.seed, spec)
        )
    return {company.instrument.con_id: company for company in found}


def _instrument(row: tuple[str, str, str, str, str]) -> Instrument:
    symbol, name, industry, category, _ = row
    known = [entry[0] for entry in SMALL_CAPS + LARGE_CAPS]
    number = known.index(symbol) if symbol in known else 1000 + zlib.crc32(symbol.encode()) % 1_000_000
    return Instrument(
        con_id=FIRST_CON_ID + number,
        symbol=symbol,
        long_name=name.upper(),
        trading_class="SCM",
        industry=industry,
        category=category,
        subcategory=category,
    )


def _small(instrument: Instrument, product: str, seed: int, spec: SymbolSpec | None) -> Company:
    rng = random_stream(seed, instrument.symbol, "traits")
    price = round(float(np.exp(rng.uniform(np.log(1.6), np.log(18.0)))), 2)
    usd = float(np.exp(rng.uniform(np.log(1.5e6), np.log(9e6))))
    spread_bps = float(rng.uniform(14, 40))
    sigma = float(rng.uniform(0.03, 0.06))
    return _company(instrument, product, spec, (price, int(usd / price), spread_bps, sigma, 150.0), small=True)


def _large(
    instrument: Instrument,
    product: str,
    seed: int,
    spec: SymbolSpec | None,
    price: float | None = None,
    volume: int | None = None,
) -> Company:
    rng = random_stream(seed, instrument.symbol, "traits")
    price = price or round(float(rng.uniform(60, 220)), 2)
    volume = volume or int(rng.uniform(4e6, 15e6))
    return _company(instrument, product, spec, (price, volume, 1.5, 0.014, 120.0), small=False)


def _company(
    instrument: Instrument,
    product: str,
    spec: SymbolSpec | None,
    drawn: tuple[float, int, float, float, float],
    *,
    small: bool,
) -> Company:
    price, volume, spread_bps, sigma, print_shares = drawn
    if spec:
        price = spec.price_usd or price
        volume = spec.daily_volume or volume
        spread_bps = spec.spread_bps or spread_bps
    if price < 1.0:
        instrument = replace(instrument, min_tick=SUB_DOLLAR_TICK)
    return Company(
        instrument=instrument,
        product=product,
        price=price,
        daily_volume=volume,
        spread_bps=spread_bps,
        daily_sigma=sigma,
        print_shares=print_shares,
        small=small,
    )
