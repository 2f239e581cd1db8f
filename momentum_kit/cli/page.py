"""`momentum-kit page`: the session in a browser without Jupyter, until Ctrl-C or SIGTERM."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from momentum_kit.cli.common import SESSION, ConfigPath, GatewayPort, Json, app, done
from momentum_kit.config import load_config


@app.command(rich_help_panel=SESSION)
def page(
    config: ConfigPath,
    port: GatewayPort = None,
    page_port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.", min=0, max=65_535)] = 8470,
    bind: Annotated[str, typer.Option(help="Address to serve at; beyond this machine by TLS alone.")] = "127.0.0.1",
    name: Annotated[list[str] | None, typer.Option(help="What a browser calls this machine, beside --bind.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate with its chain, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="TLS key, PEM.")] = None,
    new_token: Annotated[bool, typer.Option("--new-token", help="Forget the token; whoever has it is out.")] = False,
    json_: Json = False,
) -> None:
    """Show the session in a browser, without Jupyter, on a desk or a phone; it can only reduce risk."""
    import asyncio

    from momentum_kit.notebook.page import PageAddress, page_token, serve_page
    from momentum_kit.runtime.ownership import StateFolder

    loaded = load_config(config, {"broker.port": port} if port else None, with_thresholds=False)
    folder = StateFolder.of(loaded)
    address = PageAddress(port=page_port, bind=bind, names=tuple(name or ()), certificate=certificate, key=key)

    def listening(url: str) -> None:
        token, file = page_token(folder)
        told = f"{url}  token: {token}" if sys.stdout.isatty() else f"{url}  token: in {file}"  # no secret in a log
        done(json_, {"url": url, "token_file": str(file)}, told)
        sys.stdout.flush()

    asyncio.run(serve_page(loaded, folder, address, new_token=new_token, listening=listening))
