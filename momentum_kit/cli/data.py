"""Commands of the archive: momentum-kit data ..."""

from pathlib import Path
from typing import Annotated

import typer

from momentum_kit.cli.common import Json, app, done
from momentum_kit.errors import InputError

data_app = typer.Typer(help="The archive: import, and soon download and record.", no_args_is_help=True)
app.add_typer(data_app, name="data")


@data_app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="lean: minute zips of QuantConnect's format.")],
    path: Path,
    archive: Annotated[Path, typer.Option(help="Archive folder.")] = Path("data/archive"),
    json_: Json = False,
) -> None:
    """Import real bars into the Parquet archive."""
    from dataclasses import asdict

    from momentum_kit.storage.archive import Archive
    from momentum_kit.storage.lean import import_lean

    if kind != "lean":
        raise InputError(f"cannot import {kind!r}; known: lean")
    report = import_lean(path, Archive(archive))
    done(json_, asdict(report), str(report))
