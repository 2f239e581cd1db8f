"""Commands that look at this machine: bench (how fast is it?) and doctor (is everything ready?)."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from momentum_kit.cli.common import BEGIN, ConfigPath, Json, app, done
from momentum_kit.config import find_project, load_config
from momentum_kit.errors import InputError

OBSERVED = Path("observed.yaml")


@app.command(rich_help_panel=BEGIN)
def bench(what: Annotated[str, typer.Argument(help="Which benchmark; gateway is one.")], json_: Json = False) -> None:
    """Measure speed on this machine, from a checkout with the dev extra."""
    from momentum_kit.runtime import as_table, run_benchmark

    result = run_benchmark(what)
    done(json_, result, as_table(result))


@app.command(rich_help_panel=BEGIN)
def doctor(
    config: ConfigPath = Path("config/paper.yaml"),
    symbol: Annotated[str, typer.Option(help="A liquid symbol to look at.")] = "AAPL",
    port: int | None = None,
    probe: Annotated[
        bool, typer.Option("--probe-paper", help="Ask a paper account what IB leaves open: sends orders, step by step.")
    ] = False,
    round_trip: Annotated[
        bool, typer.Option("--round-trip", help="With --probe-paper: also buy one share and sell it again.")
    ] = False,
    out: Annotated[Path, typer.Option(help="With --probe-paper: where to write what was found.")] = OBSERVED,
    json_: Json = False,
) -> None:
    """Look whether this machine, this configuration and this gateway are ready; nothing is traded.

    With --probe-paper orders are sent to a paper account: each step is asked first, and all is cancelled at the end.
    """
    if probe:
        _probe(config, symbol, port, out, with_fill=round_trip, json_=json_)
        return
    if round_trip:
        raise InputError("--round-trip: only with --probe-paper")
    from momentum_kit.runtime.doctor import Finding, Grade, examination

    async def look() -> list[Finding]:
        findings = []
        async for finding in examination(config, find_project(), symbol, port):
            findings.append(finding)
            if not json_:
                typer.echo(str(finding))
        return findings

    findings = asyncio.run(look())
    problems = sum(finding.grade is Grade.PROBLEM for finding in findings)
    warnings = sum(finding.grade is Grade.WARNING for finding in findings)
    asked = sum(finding.grade is Grade.ASK for finding in findings)
    counts = {"problems": problems, "warnings": warnings, "asked": asked}
    said = f"{len(findings)} checks: {problems} problems, {warnings} warnings, {asked} for you to look at"
    done(json_, counts | {"findings": [asdict(finding) for finding in findings]}, said)
    raise typer.Exit(1 if problems else 0)


def _probe(config: Path, symbol: str, port: int | None, out: Path, *, with_fill: bool, json_: bool) -> None:
    """Ask each step at the terminal; status 1 where something is left that a human must put right."""
    from momentum_kit.runtime.probe import NOT_ASKED, probe_paper

    def ask(words: str) -> bool:
        return typer.confirm(f"{words}. Do it?", default=False, err=True)

    def tell(words: str) -> None:
        typer.echo(f"   {words}", err=json_)

    known = load_config(config, {"broker.port": port} if port else None)
    typer.echo(f"What paper can not tell: {'; '.join(f'{name} ({why})' for name, why in NOT_ASKED.items())}.", err=True)
    found = asyncio.run(probe_paper(known, symbol=symbol, file=out, ask=ask, tell=tell, with_fill=with_fill))
    decided = {each.switch: each.decided for each in found.answers if each.decided}
    undecided = {each.switch: sorted(each.possible) for each in found.answers if not each.decided}
    said = f"{len(decided)} decided, {len(undecided)} undecided: {out}; momentum-kit sim --observed {out}"
    result = {"decided": decided, "undecided": undecided, "problems": list(found.problems), "file": str(out)}
    done(json_, result, "\n".join([*(f"PROBLEM: {each}" for each in found.problems), said]))
    raise typer.Exit(1 if found.problems else 0)
