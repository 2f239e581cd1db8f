"""`make recovery`: does the research find what is there, and nothing where nothing is? Markets of known truth decide.

Each market goes the whole way of a study: events, outcomes, the last fifth sealed, a sweep, the evidence, the seal's
one opening, the verdict with the cut-offs of research/validation. One JSON line a market is kept in the folder given,
so that a run that was cut short goes on where it was.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy import stats

from momentum_kit.config import find_project
from momentum_kit.errors import ResearchError
from momentum_kit.models import Headline
from momentum_kit.research.events import EventTable, FillAssumptions, build
from momentum_kit.research.events.outcomes import ExitRule, add_outcomes
from momentum_kit.research.sample.market_sample import SampleSpec, generate
from momentum_kit.research.sample.truth import PLANTED
from momentum_kit.research.sweep import Grid, TrialLedger
from momentum_kit.research.sweep.sweep import sweep
from momentum_kit.research.validation import judge, open_seal, seal, validate
from momentum_kit.trading import CostTable

GRID = Grid(
    {
        "min_z_tod": (4.0, 6.0, 8.0, 10.0, 12.0),
        "min_rvol_bar": (3.0, 4.5, 6.0, 8.0, 10.0),
        "max_spread_bps": (90.0, 70.0, 50.0, 40.0, 30.0),
    }
)
MOST_FALSE = 0.05  # upper 95% bound of the share of placebo markets that are accepted
LEAST_FOUND = 0.8  # of the planted ones


def events_of(spec: SampleSpec, stamped: str = "") -> EventTable:
    """The event table of a market with what each decision would have brought.

    stamped: `minute` for a file whose only time is the publication, cut to its minute.
    """
    market = generate(spec)
    if stamped == "minute":
        lines = [replace(line, published_at=cut(line), received_at=cut(line)) for line in market.source.news]
        market = replace(market, source=replace(market.source, news=lines))
    costs = yaml.safe_load((find_project() / "config" / "costs.yaml").read_text(encoding="utf-8"))
    table = build(market.source, *market.span)
    return add_outcomes(
        table, market.source, [ExitRule(name="default")], CostTable.model_validate(costs), FillAssumptions()
    )


def cut(line: Headline) -> datetime:
    """The minute in which a headline was received."""
    assert line.received_at is not None
    return line.received_at.replace(second=0, microsecond=0)


def judge_market(case: tuple[str, int, float]) -> dict[str, Any]:
    """One market, from its generation to the verdict."""
    kind, seed, edge_bps = case
    started = time.perf_counter()
    table = events_of(SampleSpec(seed=seed, edge_bps=edge_bps, placebo=kind != "planted"), kind)
    with tempfile.TemporaryDirectory() as folder, TrialLedger(Path(folder) / "ledger.db") as ledger:
        study = seal(table, Path(folder) / "seals.db")
        result = sweep(study.table, GRID, PLANTED, ["default"], ledger)
        evidence = validate(result, study.table)
        before = judge(evidence)
        if evidence.candidate:
            evidence = open_seal(evidence, study.sealed)
    verdict = judge(evidence)
    try:
        plateau = result.plateau("default")
    except ResearchError:  # no cell is above zero beyond doubt
        plateau = None
    return {
        "kind": kind,
        "seed": seed,
        "edge_bps": edge_bps,
        "events": len(table),
        "fills": evidence.fills,
        "net_bps": evidence.in_sample.estimate,
        "unruled_bps": float(np.nanmean(study.table.net_bps["default"][:, 0])),
        "passed": sum(check.passed is True for check in before.checks),
        "asked": len(before.checks),
        "before_seal": before.word,
        "verdict": verdict.word,
        "why": verdict.why,
        "plateau_cells": plateau.size if plateau else 0,
        "plateau_has_planted": bool(plateau and GRID.cell(PLANTED) in plateau),
        "seconds": round(time.perf_counter() - started, 1),
    }


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """A line a kind of market: how many were accepted, and whether that is what was asked for."""
    lines = []
    for kind, edge_bps in sorted({(row["kind"], row["edge_bps"]) for row in rows}):
        of_kind = [row for row in rows if (row["kind"], row["edge_bps"]) == (kind, edge_bps)]
        accepted = sum(row["verdict"] == "accept" for row in of_kind)
        words = {word: sum(row["verdict"] == word for row in of_kind) for word in ("accept", "refuse", "cannot tell")}
        counts = ", ".join(f"{count} {word}" for word, count in words.items())
        if kind != "planted":
            bound = float(stats.beta.ppf(0.95, accepted + 1, len(of_kind) - accepted)) if of_kind else 1.0
            holds = "holds" if bound <= MOST_FALSE else "MISSED"
            lines.append(f"{kind}: {len(of_kind)} markets: {counts}; upper 95% bound {bound:.1%}, goal 5%: {holds}")
            continue
        inside = sum(row["plateau_has_planted"] for row in of_kind)
        text = f"planted {edge_bps:g} bps: {len(of_kind)} markets: {counts}; planted cell in the plateau of {inside}"
        if edge_bps >= 20:
            text += f"; goal 80% accepted: {'holds' if accepted >= LEAST_FOUND * len(of_kind) else 'MISSED'}"
        lines.append(text)
    return lines


def main() -> int:
    """Judge what is not judged yet, print every market and the summary; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planted", type=int, default=20, help="markets a planted edge")
    parser.add_argument("--placebo", type=int, default=200, help="markets without any edge")
    parser.add_argument("--minute", type=int, default=0, help="placebo markets whose stamps are cut to the minute")
    parser.add_argument("--edges", type=float, nargs="*", default=[20.0], help="planted edges, net bps")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--keep", type=Path, default=Path("data/recovery"), help="folder of the results")
    asked = parser.parse_args()
    asked.keep.mkdir(parents=True, exist_ok=True)
    kept = asked.keep / "markets.jsonl"
    rows = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.is_file() else []
    known = {(row["kind"], row["seed"], row["edge_bps"]) for row in rows}
    cases = [("planted", seed, edge) for edge in asked.edges for seed in range(1, asked.planted + 1)]
    cases += [("placebo", seed, 0.0) for seed in range(1001, 1001 + asked.placebo)]
    cases += [("minute", seed, 0.0) for seed in range(1001, 1001 + asked.minute)]
    todo = [case for case in cases if case not in known]
    context = multiprocessing.get_context("spawn")
    with context.Pool(asked.processes) as pool, kept.open("a", encoding="utf-8") as file:
        for row in pool.imap_unordered(judge_market, todo):
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            print("{kind} {seed} ({edge_bps:g} bps): {verdict}; {why} [{seconds} s]".format(**row), flush=True)
    lines = summary([row for row in rows if (row["kind"], row["seed"], row["edge_bps"]) in set(cases)])
    print("\n".join(lines))
    return 1 if any("MISSED" in line for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
