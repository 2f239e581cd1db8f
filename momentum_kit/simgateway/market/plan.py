"""The day's plan: which story breaks when, on which feed, with which move, and the truth about all of it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from momentum_kit.simgateway.events import NewsEvent
from momentum_kit.simgateway.market.headlines import (
    PlannedStory,
    article_body,
    compose_headline,
    headline_metadata,
    story_hash,
)
from momentum_kit.simgateway.market.moves import SHAPES, Move
from momentum_kit.simgateway.market.tape import from_ms, to_ms
from momentum_kit.simgateway.market.universe import Company, random_stream
from momentum_kit.simgateway.scenario import Scenario

FREE_FEEDS = ("BRFG", "BRFUPDN", "DJNL")
WARM_UP_S = 330.0  # a move needs some minutes of tape before it to be measured against
LAST_PLANTED_S = 1020.0  # before the close: later ones could not be held
TAIL_S = 300.0  # a planted move shall play out before the scenario ends
APART_S = 1500.0  # between two moves of one contract
LEAST_TRADABLE_USD = 2.5  # below it one tick is too much of a move


@dataclass(slots=True)
class Plan:
    """Everything that is to happen: moves by con_id, headlines in order of relay, the truth."""

    moves: dict[int, tuple[Move, ...]] = field(default_factory=dict)
    headlines: list[NewsEvent] = field(default_factory=list)
    truth: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"planted": [], "decoys": []})


def make_plan(scenario: Scenario, listed: dict[int, Company], earlier_days: tuple[date, ...]) -> Plan:
    """Draw the plan from the scenario's seed."""
    planner = _Planner(scenario, listed)
    planner.schedule()
    planner.look_back(earlier_days)
    planner.plan.headlines.sort(key=lambda event: (event.time, event.article_id))
    return planner.plan


class _Planner:
    """Draws times, symbols and texts in a fixed order from one stream."""

    def __init__(self, scenario: Scenario, listed: dict[int, Company]) -> None:
        self.scenario, self.listed = scenario, listed
        self.rng = random_stream(scenario.seed, "plan")
        self.small = [company for company in listed.values() if company.small] or list(listed.values())
        self.taken: dict[int, list[int]] = {}
        self.plan = Plan()

    def schedule(self) -> None:
        """Planted headlines first, evenly over the scenario; then everything else in between."""
        news = self.scenario.news
        start, end = to_ms(self.scenario.starts_at), to_ms(self.scenario.ends_at)
        last_planted = min(end - TAIL_S * 1000, to_ms(self.scenario.session.close) - LAST_PLANTED_S * 1000)
        planted = [
            self._move_story("planted", at)
            for at in self._spread_out(news.planted, start + WARM_UP_S * 1000, last_planted)
        ]
        counts = news.decoys.model_dump()
        repeats = counts.pop("second_feed")
        kinds = [kind for kind, count in counts.items() for _ in range(count)]
        kinds += ["neutral"] * news.neutral + ["unplanted"] * news.unplanted
        order = self.rng.permutation(len(kinds))
        times = self._spread_out(len(kinds), start + WARM_UP_S * 1000 / 2, end - 60_000)
        for row, at in zip(order, times, strict=True):
            self._tell(kinds[row], at)
        for row in self.rng.permutation(len(planted))[:repeats]:
            self._repeat(planted[row])

    def _spread_out(self, count: int, start: float, end: float) -> list[int]:
        """One time in each of `count` equal stretches."""
        step = (end - start) / max(count, 1)
        return [int(start + (slot + self.rng.uniform(0.1, 0.9)) * step) for slot in range(count)]

    def _tell(self, kind: str, at: int) -> None:
        if kind in SHAPES:
            self._move_story(kind, at)
        else:
            company = list(self.listed.values())[int(self.rng.integers(len(self.listed)))]
            event = self._publish(PlannedStory(kind, company), at, self._feed())
            self._record("decoys", kind, company, event)

    def _move_story(self, kind: str, at: int) -> NewsEvent | None:
        """A headline and its move; a silent move has no headline."""
        company = self._free_company(kind, at)
        # The first prints react within two seconds of the relay.
        move = SHAPES[kind](self.rng, at + int(self.rng.uniform(300, 1600)))
        con_id = company.instrument.con_id
        self.plan.moves[con_id] = (*self.plan.moves.get(con_id, ()), move)
        if kind == "silent_move":
            self.plan.truth["decoys"].append(
                {"article_id": "", "story": "", "symbol": company.instrument.symbol, "time": _iso(at), "kind": kind}
            )
            return None
        story = PlannedStory(kind, company, others=self._others(kind, company), offer_usd=_offer(kind, company, move))
        published_s = self.rng.uniform(7_200, 21_600) if kind == "stale" else None
        event = self._publish(story, at, self._feed(planted=kind == "planted"), published_s=published_s)
        self._record("planted" if kind == "planted" else "decoys", kind, company, event)
        return event

    def _others(self, kind: str, company: Company) -> tuple[Company, ...]:
        if kind != "round_up":
            return ()
        pool = [other for other in self.listed.values() if other is not company]
        picks = self.rng.permutation(len(pool))[: int(self.rng.integers(4, 7))]
        return tuple(pool[pick] for pick in picks)

    def _pool(self, kind: str) -> list[Company]:
        """Small caps fit for a kind of move: no penny stock is planted on, and only a thin name trades thinly."""
        if kind == "planted":
            return [company for company in self.small if company.price >= LEAST_TRADABLE_USD] or self.small
        if kind == "merger_target":
            return [company for company in self.small if company.instrument.con_id not in self.taken] or self.small
        if kind == "few_trades":
            return sorted(self.small, key=lambda company: company.daily_volume)[: max(len(self.small) // 4, 1)]
        return self.small

    def _free_company(self, kind: str, at: int) -> Company:
        """One whose other moves are far enough away; the one where they are furthest if none is."""
        pool = self._pool(kind)
        shuffled = [pool[pick] for pick in self.rng.permutation(len(pool))]

        def distance(company: Company) -> float:
            return min((abs(at - other) for other in self.taken.get(company.instrument.con_id, ())), default=1e12)

        free = next((company for company in shuffled if distance(company) >= APART_S * 1000), None)
        chosen: Company = free or max(shuffled, key=distance)
        # Nothing else happens to a company that is being bought.
        ends = to_ms(self.scenario.ends_at)
        times = list(range(at, ends, int(APART_S * 1000))) if kind == "merger_target" else [at]
        self.taken.setdefault(chosen.instrument.con_id, []).extend(times)
        return chosen

    def _feed(self, *, planted: bool = False) -> str:
        """Any feed; planted stories come on one of the free ones where the account has them."""
        feeds: list[str] = [code for code in self.scenario.news.providers if code != "BRFUPDN"]
        if planted:
            feeds = [code for code in self.scenario.news.providers if code in FREE_FEEDS] or feeds
        return str(self.rng.choice(feeds or list(self.scenario.news.providers)))

    def _publish(
        self,
        story: PlannedStory,
        at: int,
        provider: str,
        *,
        published_s: float | None = None,
        hash_: str = "",
        text: str = "",
    ) -> NewsEvent:
        age_s = self.rng.uniform(0.15, 1.8) if published_s is None else published_s
        published = from_ms(at - int(age_s * 1000))
        text = text or compose_headline(story, provider, self.rng)
        event = NewsEvent(
            time=from_ms(at),
            published=published,
            provider=provider,
            article_id=f"{provider}${hash_ or story_hash(self.rng)}",
            text=text,
            extra=headline_metadata(self.rng),
            con_ids=tuple(x.instrument.con_id for x in (story.company, *story.others)),
            body=article_body(text, story, published, self.rng),
        )
        self.plan.headlines.append(event)
        return event

    def _repeat(self, first: NewsEvent | None) -> None:
        """The same story on another feed some seconds later: same hash, same words."""
        assert first is not None  # planted stories always have a headline
        others = [code for code in self.scenario.news.providers if code not in (first.provider, "BRFUPDN")]
        if not others:
            return
        company = self.listed[first.con_ids[0]]
        at = to_ms(first.time) + int(self.rng.uniform(2, 40) * 1000)
        event = self._publish(
            PlannedStory("second_feed", company),
            at,
            str(self.rng.choice(others)),
            hash_=first.article_id.partition("$")[2],
            text=first.text.lstrip("!"),
        )
        self._record("decoys", "second_feed", company, event)

    def _record(self, where: str, kind: str, company: Company, event: NewsEvent) -> None:
        self.plan.truth[where].append(
            {
                "article_id": event.article_id,
                "story": event.article_id.partition("$")[2],
                "symbol": company.instrument.symbol,
                "time": event.time.isoformat(),
                "kind": kind,
            }
        )

    def look_back(self, days: tuple[date, ...]) -> None:
        """Neutral headlines of the last days and of this morning, for the news history only."""
        begin = to_ms(self.scenario.starts_at)
        span_ms = min(len(days), 5) * 86_400_000 or 3_600_000
        for _ in range(self.scenario.news.earlier):
            company = list(self.listed.values())[int(self.rng.integers(len(self.listed)))]
            at = begin - 60_000 - int(self.rng.random() * span_ms)
            self._publish(PlannedStory("neutral", company), at, self._feed())


def _offer(kind: str, company: Company, move: Move) -> float:
    """A takeover's price: the move ends 1.5% below it."""
    return round(company.price * float(np.exp(move.path[-1][1])) * 1.015, 2) if kind == "merger_target" else 0.0


def _iso(ms: int) -> str:
    return from_ms(ms).isoformat()
