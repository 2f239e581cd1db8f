"""Commands that look at this machine: bench (how fast is it?) and doctor (is everything ready?)."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from momentum_kit.cli.common import BEGIN, ConfigPath, Json, app, done
from momentum_kit.config import find_project


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
    json_: Json = False,
) -> None:
    """Look whether this machine, this configuration and this gateway are ready; nothing is traded."""
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
