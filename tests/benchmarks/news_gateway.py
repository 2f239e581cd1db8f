"""A simulated gateway with steady headlines and then a burst of them, in a process of its own, for news.py."""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import timedelta

from momentum_kit.simgateway import SimulatedGateway
from momentum_kit.simgateway.embedding import GeneratedSource, Market
from momentum_kit.simgateway.events import NewsEvent
from momentum_kit.simgateway.scenario import parse_scenario

STEADY, BURST, COMPANIES, TAPE = 400, 5_000, 40, "BRFG"
STEADY_FROM_S, BURST_FROM_S, EACH_S = 6.0, 18.0, 0.02  # since the market's beginning; the burst takes a second
WORDS = (
    "Receives Order Worth ${} Million for Its Platform", "Raises FY25 Revenue View to ${} Million",
    "Appoints Director Number {} to Its Board", "Opens Plant {} in Ohio", "Reports Q2 EPS of {} Cents",
    "Granted U.S. Patent {} on a Sensor", "Begins Phase 2 Study in {} Patients", "Extends Lease of Building {}",
)  # fmt: skip
ABROAD = "Ministry Sees Output of Sector {} Slightly Higher Next Quarter, Officials Say"


def main() -> None:
    """Serve until stdin ends; the first line of stdout is the port, the market's time and its symbols."""
    asyncio.run(_serve())


async def _serve() -> None:
    lifted = dict.fromkeys(("messages_per_s", "market_data_lines"))
    scenario = parse_scenario(
        {
            "start": "10:00", "end": "12:00", "history_sessions": 1, "limits": lifted, "news": {"providers": [TAPE]},
            "universe": {"small_caps": COMPANIES, "large_caps": 0}, "broker": {"cash_usd": 1e8},
        }
    )  # fmt: skip
    source = GeneratedSource(scenario)
    source.headlines = tuple(_headlines(source))
    async with SimulatedGateway(Market(scenario, source)) as gateway:
        symbols = [instrument.symbol for instrument in source.instruments.values()][:COMPANIES]
        print(json.dumps({"port": gateway.port, "now": gateway.hub.now.isoformat(), "symbols": symbols}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


def _headlines(source: GeneratedSource) -> Iterator[NewsEvent]:
    """Every steady headline is about a company; of the burst every fifth, as a busy tape has them at the open."""
    companies = list(source.instruments.values())[:COMPANIES]
    begin = source.scenario.starts_at
    for kind, count, first_s, each_s, every in (
        ("steady", STEADY, STEADY_FROM_S, EACH_S, 1),
        ("burst", BURST, BURST_FROM_S, 1 / BURST, 5),
    ):
        for number in range(count):
            company = companies[number % COMPANIES]
            words = WORDS[number // COMPANIES % len(WORDS)].format(number + 2)
            named = f"{company.long_name.title()} (NASDAQ: {company.symbol}) {words}"
            at = begin + timedelta(seconds=first_s + number * each_s)
            yield NewsEvent(
                time=at, published=at, provider=TAPE, article_id=f"{TAPE}${kind}{number:05d}", extra="", con_ids=(),
                text=ABROAD.format(number) if number % every else named,
            )  # fmt: skip


if __name__ == "__main__":
    main()
