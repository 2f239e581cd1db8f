"""momentum-kit bench."""

from typing import Annotated

import typer

from momentum_kit.cli.common import Json, app, done


@app.command()
def bench(what: Annotated[str, typer.Argument(help="Which benchmark; gateway is one.")], json_: Json = False) -> None:
    """Measure speed on this machine, from a checkout with the dev extra."""
    from momentum_kit.runtime import as_table, run_benchmark

    result = run_benchmark(what)
    done(json_, result, as_table(result))
